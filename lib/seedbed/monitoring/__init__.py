"""What Prometheus is told, of now only: no trial, seed, pod or run is a label, so that series do not grow with them."""
