"""What people hand in: one content, one form each.

`content.compose_report` turns an `Assessment` into a `Report` (headings, paragraphs, tables, charts: all
words and all formatted figures); `html.write_html` and `docx.write_docx` give it a form and add nothing.
`gpkg.write_gpkg` writes the layers behind it. Nothing is loaded until it is used.
"""
