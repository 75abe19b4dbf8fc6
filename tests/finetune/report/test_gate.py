from finetune.report.gate import with_gate

PAGE = "<html><header><h1>good</h1></header><section>metrics</section></html>"
RULE = {"rule": "metrics.<f1>", "passed": False, "value": 0.8, "required": 0.9, "reason": "f1 0.8 & more"}


def test_a_gate_that_failed_stands_right_below_the_header_with_each_rule() -> None:
    page = with_gate(PAGE, {"passed": False, "model": "wide", "rules": [RULE, {**RULE, "passed": True}]})
    header, gate, rest = page.partition("</header>")[0], page.partition("<h2>Gate</h2>")[2], page.rpartition("metrics")
    assert header.endswith("</h1>") and rest[2] == "</section></html>"
    assert "The model wide fails 1 of 2 rules, so it is not registered." in gate
    assert "<b>missed</b>" in gate and "kept" in gate and "0.800" in gate and "0.900" in gate
    assert "metrics.&lt;f1&gt;" in gate and "f1 0.8 &amp; more" in gate


def test_a_model_that_passes_is_said_to_be_registered() -> None:
    told = with_gate(PAGE, {"passed": True, "model": None, "rules": [{**RULE, "passed": True, "required": None}]})
    assert "The model passes every rule, so it is registered." in told and "<td>–</td>" in told
    assert "has no rule to keep" in with_gate(PAGE, {"passed": True, "model": None, "rules": []})
