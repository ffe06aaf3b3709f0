"""DICOM: files to series, series to volumes, segmentations in and out."""
