"""Film: encodes stretches, joins them with their sound, reads films and sounds of any format. All that uses PyAV."""
