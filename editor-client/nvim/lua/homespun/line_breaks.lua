--- Line breaks of suggestions. The server sends those of the file, in one with CRLF two characters;
--- a buffer has lines, and the first of the two would be text in it.
local M = {}

local METHOD = 'textDocument/inlineCompletion'

--- Have a connection deliver suggestions with the breaks that buffers know; return it.
function M.mend(connection)
  local request = connection.request
  function connection.request(method, params, callback, ...)
    if method ~= METHOD then
      return request(method, params, callback, ...)
    end
    return request(method, params, function(failure, result)
      for _, item in ipairs(type(result) == 'table' and (result.items or result) or {}) do
        if type(item.insertText) == 'string' then
          item.insertText = item.insertText:gsub('\r\n?', '\n')
        end
      end
      callback(failure, result)
    end, ...)
  end
  return connection
end

return M
