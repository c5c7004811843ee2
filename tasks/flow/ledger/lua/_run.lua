-- Head of the scripts that claim an artifact and begin a run (claim.lua describes it). Defines one function.

-- Claim it; where this has to wait, what `wait` returns: it is given when to try again, in ms, and whether another worker
-- computes the artifact.
local function claim(wait)
  local tag, part, now = ARGV[1], tonumber(ARGV[2]), now_ms()
  local run = tag .. '\n' .. ARGV[7]
  if redis.call('HGET', KEYS[4], part .. '!') == run then return tonumber(redis.call('HGET', KEYS[4], part)) end
  if redis.call('HEXISTS', KEYS[6], ARGV[8]) == 1 then return -3 end
  local owner = redis.call('GET', KEYS[1])
  if owner and owner ~= tag then
    local lease = redis.call('ZSCORE', KEYS[3], owner)
    if lease and tonumber(lease) > now then return wait(now + ARGV[5], true) end
  end
  local runs = tonumber(redis.call('HGET', KEYS[4], part) or 0)
  if runs >= tonumber(ARGV[3]) then return -1 end
  -- A child may have died by another part's fault, so the second run may follow at once. Later ones wait for their pause.
  local begun = redis.call('HGET', KEYS[4], part .. '@') -- not there after a run that was taken back (uncount.lua)
  if runs > 1 and begun then
    local due = tonumber(begun) + pause_ms(ARGV[4], runs - 1)
    if due > now then return wait(due, false) end
  end
  redis.call('HDEL', KEYS[4], part .. '~', part .. '^', part .. '^!') -- its message has arrived, and did not kill before this
  redis.call('HSET', KEYS[4], part, runs + 1, part .. '@', now, part .. '!', run)
  if part == 0 then redis.call('PEXPIRE', KEYS[4], ARGV[6]) end
  redis.call('SET', KEYS[1], tag, 'PX', ARGV[6])
  return runs + 1
end
