local overproof_raw = {
  error = error, getmetatable = getmetatable, pairs = pairs, next = next, sort = table.sort,
  type = type, match = string.match, globals = _G, ipairs = ipairs,
}

local function overproof_same(one, other)
  if overproof_raw.type(one) ~= "table" or overproof_raw.type(other) ~= "table" then
    return one == other
  end
  for key, value in overproof_raw.next, one do
    if not overproof_same(value, other[key]) then return false end
  end
  for key in overproof_raw.next, other do
    if one[key] == nil then return false end
  end
  return true
end

local function overproof_that(held)
  if not held then overproof_raw.error("assertion failed", 3) end
end

local overproof_luaunit = {
  assertEquals = function(one, other) overproof_that(overproof_same(one, other)) end,
  assertNotEquals = function(one, other) overproof_that(not overproof_same(one, other)) end,
  assertTrue = function(found) overproof_that(found == true) end,
  assertFalse = function(found) overproof_that(found == false) end,
  assertNil = function(found) overproof_that(found == nil) end,
  LuaUnit = {
    run = function()
      local names = {}
      for name, value in overproof_raw.pairs(overproof_raw.globals) do
        local test = overproof_raw.type(name) == "string" and overproof_raw.match(name, "^[tT]est")
        if test and overproof_raw.type(value) == "function" then names[#names + 1] = name end
      end
      overproof_raw.sort(names)
      for _, name in overproof_raw.ipairs(names) do overproof_raw.globals[name]() end
      if #names == 0 then overproof_raw.error("assertion failed: no test") end
      return 0
    end,
  },
}

local function overproof_exit(status)
  if status ~= 0 and status ~= true and status ~= nil then
    overproof_raw.error("assertion failed: exit status")
  end
end
