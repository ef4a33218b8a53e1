"""Reads PubMed abstracts on NTRK gene fusions and lung cancer into an evidence table."""
