"""Load profiles drawn in a terminal with rich: a load curve and a heat map, exported as SVG."""
