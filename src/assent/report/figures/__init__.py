"""Pictures with axes: phase diagrams with theory's line, lines with their spread, bars, reliability. Server-drawn SVG, no scripts.

Every picture is drawn for the width that it is given. Colours are classes of `assent.report.palette` and of `STYLE`; no meaning hangs
on a hue alone: areas have names on them, lines have dashes and names, undecided cells are hatched.
"""

from assent.report.figures.alone import standalone as standalone
from assent.report.figures.axes import STYLE as STYLE
from assent.report.figures.axes import Axis as Axis
from assent.report.figures.axes import Line as Line
from assent.report.figures.axes import short as short
from assent.report.figures.charts import Series as Series
from assent.report.figures.charts import bar_chart as bar_chart
from assent.report.figures.charts import line_chart as line_chart
from assent.report.figures.charts import reliability_diagram as reliability_diagram
from assent.report.figures.maps import DISABLES as DISABLES
from assent.report.figures.maps import INDIFFERENT as INDIFFERENT
from assent.report.figures.maps import KEEPS as KEEPS
from assent.report.figures.maps import PHASES as PHASES
from assent.report.figures.maps import UNDECIDED as UNDECIDED
from assent.report.figures.maps import phase_diagram as phase_diagram
from assent.report.figures.maps import raster as raster
from assent.report.figures.maps import share_diagram as share_diagram
