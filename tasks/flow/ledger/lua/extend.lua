-- Add parts to a job that is about to end: what its parts made needs another round of work.
-- KEYS: slotline:job:<id>, and its :parts, :states, :outcomes, :attempts, :sent; also its :sizes
-- ARGV: id, how many parts the caller saw, sizes of the further parts, payload, payload, …
-- Returns 1, or 0 when the job is not finishing (any more), or has other parts than the caller saw because another
-- worker extended it. Guarantee: any repetition, from any number of workers, adds the parts once; the first of them are
-- sent in the same step.
local job, more = ARGV[1], #ARGV - 3
local record = fields(job, COUNTERS)
if record.state ~= 'finishing' or tonumber(record.total) ~= tonumber(ARGV[2]) then return 0 end
for first = 4, #ARGV, 500 do
  redis.call('RPUSH', KEYS[2], unpack(ARGV, first, math.min(first + 499, #ARGV)))
end
redis.call('APPEND', KEYS[3], string.rep('.', more))
redis.call('APPEND', key_of(job, 'sizes'), ARGV[3])
forget_steps(KEYS[5])
redis.call('HDEL', KEYS[6], 'end')
redis.call('HSET', KEYS[1], 'state', 'open', 'total', record.total + more)
refill(job, fields(job, COUNTERS))
write_progress(job)
return 1
