"""K-means on (n, d) points: starts, steps, partitions, the estimator; never color or pictures."""
