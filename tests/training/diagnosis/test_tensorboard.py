"""Event files for TensorBoard, written without its package."""

import tensorflow as tf

from TauAdv.training.diagnosis.tensorboard import EventLog


def test_values_are_read_back(tmp_path):
    log = EventLog(tmp_path)
    for step in (3, 6):
        log.add({"loss": step / 2, "step/adv_accuracy": 0.25}, step)
    log.flush()
    (file,) = tmp_path.iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        event = tf.compat.v1.Event.FromString(record)
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name in {"scalars", ""}
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert found == {("loss", 3): 1.5, ("loss", 6): 3.0, ("step/adv_accuracy", 3): 0.25, ("step/adv_accuracy", 6): 0.25}
