"""Pictures of studies: phase diagrams with theory's line, lines with their spread, reliability. Server-drawn SVG, no scripts.

Every picture is drawn for the width that it is given. Colours are classes of `assent.report.palette` and of `STYLE`; no meaning hangs
on a hue alone: areas have names on them, lines have dashes and names, undecided cells are hatched.
"""

from assent.studies.figures.axes import STYLE as STYLE
from assent.studies.figures.axes import Axis as Axis
from assent.studies.figures.axes import Line as Line
from assent.studies.figures.axes import short as short
from assent.studies.figures.charts import Series as Series
from assent.studies.figures.charts import bar_chart as bar_chart
from assent.studies.figures.charts import line_chart as line_chart
from assent.studies.figures.charts import reliability_diagram as reliability_diagram
from assent.studies.figures.maps import PHASES as PHASES
from assent.studies.figures.maps import phase_diagram as phase_diagram
from assent.studies.figures.maps import raster as raster
from assent.studies.figures.maps import share_diagram as share_diagram
from assent.studies.verdicts import DISABLES as DISABLES
from assent.studies.verdicts import INDIFFERENT as INDIFFERENT
from assent.studies.verdicts import KEEPS as KEEPS
from assent.studies.verdicts import UNDECIDED as UNDECIDED
