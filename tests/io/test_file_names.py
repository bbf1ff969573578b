"""Names of files and metrics."""

from TauAdv.io.file_names import file_name, metric_name


def test_names():
    assert file_name("fine-tune k2=0", "Djet") == "fine-tune_k2_0_Djet"
    assert file_name("a/../b") == "a_.._b"
    assert metric_name("Medium+ (70 %)") == "Medium70"
