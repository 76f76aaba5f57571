--- How much of a suggestion a key takes, and what taking it does.
local M = {}

--- Return the first part of `text`: its first 'word' with the white space before it, its first
--- 'line' with the line break before it, or 'all'.
function M.first(text, part)
  if part == 'word' then
    return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
  elseif part == 'line' then
    return text:match('^\n?[^\n]*')
  end
  return text
end

--- Insert `text` at a place of the current buffer (row from 0, columns in bytes), put the cursor
--- behind it and return that place.
function M.insert(text, row, from, to)
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(0, row, from, row, to, lines)
  local column = (#lines == 1 and from or 0) + #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, column })
  return row + #lines - 1, column
end

--- Whether somebody is typing in this buffer.
function M.is_typing(buffer)
  return vim.api.nvim_get_current_buf() == buffer and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

--- Tell the server that the first characters of an item were accepted.
function M.tell(client, item, accepted)
  client:notify('textDocument/didPartiallyAcceptCompletion', {
    item = item,
    acceptedLength = vim.str_utfindex(accepted, 'utf-16'),
  })
end

return M
