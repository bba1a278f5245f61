"""Every study there is, in order, and the collections of them: one line a new study."""

from __future__ import annotations

from assent.studies import committees, conservative_imitation, forecasts, hand_of_god, low_stakes
from assent.studies.study import Collection, Study

COLLECTIONS: tuple[Collection, ...] = (
    hand_of_god.COLLECTION,
    conservative_imitation.COLLECTION,
    low_stakes.COLLECTION,
    forecasts.COLLECTION,
    committees.COLLECTION,
)
STUDIES: tuple[Study, ...] = tuple(study for collection in COLLECTIONS for study in collection.studies)
