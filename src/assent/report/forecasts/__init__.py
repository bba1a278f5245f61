"""Pictures of forecasts, one a file: curves, weights, tornado, heat map, bounds, belief, discovery. Server-drawn SVG, no scripts.

Every picture is drawn for the width that it is given, from 360 units up; the same input gives the same bytes. No meaning hangs on a hue
alone: lines have dashes and names, areas have names, cells have numbers. Missing data are a gap, or a sentence in place of the picture.
"""

from assent.report.forecasts.belief import belief_chart as belief_chart
from assent.report.forecasts.bounds import bounds_chart as bounds_chart
from assent.report.forecasts.discovery import discovery_chart as discovery_chart
from assent.report.forecasts.fan import fan_chart as fan_chart
from assent.report.forecasts.heat import heat_map as heat_map
from assent.report.forecasts.parts import STYLE as STYLE
from assent.report.forecasts.parts import standalone as standalone
from assent.report.forecasts.tornado import tornado_chart as tornado_chart
from assent.report.forecasts.weights import weights_over_time as weights_over_time
