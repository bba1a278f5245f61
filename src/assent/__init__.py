"""assent: act alone exactly where every plausible model agrees, and put every other decision before an overseer."""

__version__ = "0.1.0"
