-- Claim an artifact as claim.lua does, or wait: for the worker that computes it, or for a pause to end.
-- KEYS: those of claim.lua; also slotline:delayed, slotline:job:<id>, slotline:ring:<list> (_ring.lua): what waits leaves
--       its room to others
-- ARGV: those of claim.lua, the queue's list, a copy of the message (sent again when the wait is over)
-- Returns as claim.lua; 0 when the copy waits for another worker, -2 when it waits because the last run began too short
-- a time ago.
-- Guarantee: a copy that waits is sent again after a while, even if the artifact is never released.
local list, message, part = ARGV[9], ARGV[10], tonumber(ARGV[2])

local function wait(due, is_computed_elsewhere)
  send_later(list, message, due)
  if is_computed_elsewhere then
    redis.call('RPUSH', KEYS[2], list .. '\n' .. message)
    redis.call('PEXPIRE', KEYS[2], ARGV[6])
  end
  local answer = is_computed_elsewhere and 0 or -2
  if part == 0 then return answer end
  redis.call('HSET', KEYS[5], part, message)
  local job = string.match(KEYS[5], '^slotline:job:(.*):sent$')
  local record = fields(job, COUNTERS)
  if record.state == 'open' then
    leave_room(job, record, part)
    refill(job, record)
  end
  return answer
end

return claim(wait)
