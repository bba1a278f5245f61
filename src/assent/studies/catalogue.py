"""Every study there is, in order, and the collections of them: one line a new study."""

from __future__ import annotations

from assent.studies import hand_of_god
from assent.studies.study import Collection, Study

COLLECTIONS: tuple[Collection, ...] = (hand_of_god.COLLECTION,)
STUDIES: tuple[Study, ...] = hand_of_god.COLLECTION.studies
