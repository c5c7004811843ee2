"""Checks an adapter as its author would: `slotline model check NAME`.

As in a slot there are two processes with an instance of the adapter each: one has the model and computes, the other
looks at inputs. What crosses between them is pickled. `steps/` has what is checked, one function a line of the report.
Needs no Redis and no worker. The tests of slotline's own adapters run the same steps, in one process.
"""
