; Captures are explained in captures.py.
(function_declaration name: (identifier) @name) @def.function
(function_declaration
  name: (dot_index_expression table: (_) @owner field: (identifier) @name)) @def.function
(function_declaration
  name: (method_index_expression table: (_) @owner method: (identifier) @name)) @def.method
(variable_declaration (assignment_statement (variable_list . name: (identifier) @name)
  (expression_list . value: (function_definition body: (_) @body)))) @def.function
(assignment_statement (variable_list . name: (identifier) @name)
  (expression_list . value: (function_definition body: (_) @body))) @def.function
(assignment_statement
  (variable_list . name: (dot_index_expression table: (_) @owner field: (identifier) @name))
  (expression_list . value: (function_definition body: (_) @body))) @def.function
(field name: (identifier) @name value: (function_definition body: (_) @body)) @def.function
(field name: (string content: (string_content) @name)
  value: (function_definition body: (_) @body)) @def.function
(chunk (variable_declaration (assignment_statement
  (variable_list . name: (identifier) @name))) @def.variable)
(chunk (assignment_statement (variable_list . name: (identifier) @name)) @def.variable)
(chunk (assignment_statement (variable_list .
  name: (dot_index_expression table: (_) @owner field: (identifier) @name))) @def.variable)

(comment) @comment

(function_call name: (identifier) @call (#not-eq? @call "require"))
(function_call name: (dot_index_expression field: (identifier) @call))
(function_call name: (method_index_expression method: (identifier) @call))

(assignment_statement (variable_list . name: (identifier) @import.alias)
  (expression_list . value: (function_call name: (identifier) @_f
    arguments: (arguments . (string content: (string_content) @import.module))))
  (#eq? @_f "require"))
(assignment_statement (variable_list . name: (identifier) @import.alias)
  (expression_list . value: (dot_index_expression
    table: (function_call name: (identifier) @_f
      arguments: (arguments . (string content: (string_content) @import.module)))
    field: (identifier) @import.name))
  (#eq? @_f "require"))
(function_call name: (identifier) @_f
  arguments: (arguments . (string content: (string_content) @import.module))
  (#eq? @_f "require"))
(function_call name: (identifier) @_p
  arguments: (arguments . (identifier) @_f . (string content: (string_content) @import.module))
  (#eq? @_p "pcall") (#eq? @_f "require"))
(assignment_statement (variable_list . name: (identifier) . name: (identifier) @import.alias)
  (expression_list . value: (function_call name: (identifier) @_p
    arguments: (arguments . (identifier) @_f . (string content: (string_content) @import.module))))
  (#eq? @_p "pcall") (#eq? @_f "require"))
