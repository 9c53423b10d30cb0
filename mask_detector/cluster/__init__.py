"""Photos and videos beyond one machine: shards of a manifest, processed on Ray, into Parquet.

python -m mask_detector.cluster --image photos --output results
"""
