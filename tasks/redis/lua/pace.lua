-- For the scripts of the ledger: how long work takes. Defines functions, runs nothing.
-- Key that they touch: slotline:pace:<what> (hash), `what` is a model, or `flow:<kind>` for the end of a job.
--   s<n>   parts whose mean size is from 2^n to 2^(n+1): `samples parts size ms when`, the last by Redis' clock, in ms
--   grown  jobs whose parts need further parts: `jobs, parts when they were opened, parts when they ended`
-- Sums, of which old samples fade: beyond PACE_KEPT samples each new one takes the place of an average one. Sums and not
-- averages, so that a fast slot counts as often as it ends something.

local PACE_KEPT = 32
-- A sample of more than so many times the average counts as that: a frozen machine, or a model that was loaded first.
local PACE_SURE, PACE_MOST = 4, 4
local PACE_LASTS_MS = 30 * 24 * 3600 * 1000 -- after the last sample

local function pace_of(what) return 'slotline:pace:' .. what end

local function faded(count)
  if count < PACE_KEPT then return count + 1, 1 end
  return PACE_KEPT, 1 - 1 / PACE_KEPT
end

-- Note that so many parts, of so much together, took so many ms of one slot. A full Redis refuses it: only news is lost.
local function note_pace(what, parts, size, ms, now)
  local class = 's' .. math.max(0, math.floor(math.log(math.max(size, 1) / parts) / math.log(2) + 1e-9))
  local key = pace_of(what)
  local found = redis.call('HGET', key, class) or '0 0 0 0'
  local count, parts_sum, size_sum, ms_sum = string.match(found, '^(%S+) (%S+) (%S+) (%S+)')
  count, parts_sum, size_sum, ms_sum = tonumber(count), tonumber(parts_sum), tonumber(size_sum), tonumber(ms_sum)
  if count >= PACE_SURE then ms = math.min(ms, PACE_MOST * ms_sum * parts / parts_sum) end
  local new, keep = faded(count)
  redis.pcall('HSET', key, class, string.format(
    '%d %.6g %.6g %.6g %.0f', new, parts_sum * keep + parts, size_sum * keep + size, ms_sum * keep + ms, now))
  redis.pcall('PEXPIRE', key, PACE_LASTS_MS)
end

-- Note how many parts a job had when it was opened, and when it ended. Of a kind that never needs further ones nothing
-- is kept.
local function note_growth(kind, opened, ended)
  local key = pace_of('flow:' .. kind)
  local found = redis.call('HGET', key, 'grown')
  if not found and opened == ended then return end
  local count, opened_sum, ended_sum = string.match(found or '0 0 0', '^(%S+) (%S+) (%S+)')
  local new, keep = faded(tonumber(count))
  redis.pcall('HSET', key, 'grown', string.format(
    '%d %.6g %.6g', new, tonumber(opened_sum) * keep + opened, tonumber(ended_sum) * keep + ended))
  redis.pcall('PEXPIRE', key, PACE_LASTS_MS)
end
