"""The sections of report.html, a module each: `Subject` in, HTML out, which is empty where nothing is to be shown."""
