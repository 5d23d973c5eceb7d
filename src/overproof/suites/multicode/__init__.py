"""MULTICODE: HumanEval's 164 problems in thirteen languages, judged by HumanEval's own tests."""
