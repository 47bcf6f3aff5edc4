"""Everything on disk: synced writes, receipts, checksums, leases, lazy datasets. The only room that knows zarr."""
