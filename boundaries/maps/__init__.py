"""Maps as SVG, drawn from shapes alone: no tiles, no network, no script. Used by reports and differences."""
