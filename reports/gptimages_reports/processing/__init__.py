"""The record of processing of GDPR Art. 30: what is asked (query), and how it is shown (render)."""

from gptimages_reports.processing.query import ProcessingRecord, processing_record
from gptimages_reports.processing.render import FORMATS, as_csv, as_json, as_pdf

__all__ = ["FORMATS", "ProcessingRecord", "as_csv", "as_json", "as_pdf", "processing_record"]
