"""Every study there is, in order, and the collections of them: one line a new study."""

from __future__ import annotations

from assent.studies import (
    s01_threshold,
    s02_off_switch,
    s03_deference,
    s04_lock_in,
    s05_misspecified,
    s06_silence,
)
from assent.studies.study import Collection, Study

STUDIES: tuple[Study, ...] = (
    s01_threshold.STUDY,
    s02_off_switch.STUDY,
    s03_deference.STUDY,
    s04_lock_in.STUDY,
    s05_misspecified.STUDY,
    s06_silence.STUDY,
)
COLLECTIONS: tuple[Collection, ...] = ()
