-- Send a job's own message again after a pause that grows: the store failed when the job was opened or finished.
-- KEYS: slotline:job:<id>, and its :sent, :attempts; also slotline:delayed, and slotline:job:<parent>:sent
-- ARGV: head and tail of the message, the queue's list, a new delivery tag, tries allowed, ms of the first pause,
--       ms to keep the count of a job that has no record, parent's id or '', part of the parent
-- Returns 1, or 0 when the tries are used up or the job has ended. Tries are counted for each step, here, so that
-- they survive the worker; the sweep knows the message as it is delayed.
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'ended' then return 0 end
local step = 'step:' .. (state or 'new')
local tries = redis.call('HINCRBY', KEYS[3], step, 1)
if not state then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
if tries >= tonumber(ARGV[5]) then
  redis.call('HDEL', KEYS[3], step)
  return 0
end
local list, tag, message = ARGV[3], ARGV[4], ARGV[1] .. ARGV[4] .. ARGV[2]
if state == 'finishing' then
  local finish = fields(string.sub(KEYS[1], #key_of('') + 1), {'finish_head', 'finish_tail', 'finish_list'})
  list, message = finish.finish_list, finish.finish_head .. tag .. finish.finish_tail
  redis.call('HSET', KEYS[2], 'end', tag)
else
  if state == 'sent' then redis.call('HSET', KEYS[2], 'start', message) end
  if ARGV[8] ~= '' then redis.call('HSET', key_of(ARGV[8], 'sent'), ARGV[9], message) end
end
send_later(list, message, now_ms() + pause_ms(ARGV[6], tries))
return 1
