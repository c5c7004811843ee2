-- Put messages back to the front of the lists that they came from.
-- ARGV[2…] their keys, in the order in which they were taken: the first is the first to be taken again.
-- Returns how many this holder still had; the others are another holder's and stay where they are.
local returned = 0
for i = #ARGV, 2, -1 do
  local list, message = ours(ARGV[i])
  if list then
    forget(ARGV[i])
    redis.call('RPUSH', list, message)
    returned = returned + 1
  end
end
return returned
