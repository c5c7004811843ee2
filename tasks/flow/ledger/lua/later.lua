-- Send a job's own message again after a pause that grows: the store failed when the job was opened or finished.
-- KEYS: slotline:job:<id>, and its :attempts; also its :sent, slotline:delayed, and slotline:job:<parent>:sent
-- ARGV: id, this run's number (from begin.lua), runs allowed, ms of the first pause, head and tail of the message, the
--       queue's list, a new delivery tag, parent's id or '', part of the parent
-- Returns 1, 0 when the runs are used up, or -1 when the job has ended or is open, or a later run has begun: then this
-- one has no say. The sweep knows the message as it is delayed.
local job, attempt = ARGV[1], tonumber(ARGV[2])
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'ended' or state == 'open' then return -1 end
local runs = tonumber(redis.call('HGET', KEYS[2], step_of(state)) or 0)
if attempt < runs then return -1 end
if attempt >= tonumber(ARGV[3]) then return 0 end
local own = {head = ARGV[5], tail = ARGV[6], list = ARGV[7], tag = ARGV[8]}
send_own_later(job, state, own, ARGV[9], ARGV[10], now_ms() + pause_ms(ARGV[4], attempt))
return 1
