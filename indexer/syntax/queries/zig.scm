; Captures are explained in captures.py.
(function_declaration name: (identifier) @name) @def.function
(variable_declaration . (identifier) @name (struct_declaration "{" @body)) @def.struct
(variable_declaration . (identifier) @name (union_declaration "{" @body)) @def.struct
(variable_declaration . (identifier) @name (opaque_declaration "{" @body)) @def.struct
(variable_declaration . (identifier) @name (enum_declaration "{" @body)) @def.enum
(variable_declaration . (identifier) @name (error_set_declaration "{" @body)) @def.enum
(variable_declaration "var" . (identifier) @name) @def.variable
(variable_declaration . (identifier) @name) @def.constant
(test_declaration (string (string_content) @name) (block) @body) @def.test

(comment) @comment

(call_expression function: (identifier) @call)
(call_expression function: (field_expression member: (identifier) @call))

(variable_declaration . (identifier) @import.alias
  (builtin_function (builtin_identifier) @_f
    (arguments (string (string_content) @import.module)))
  (#eq? @_f "@import"))
(variable_declaration . (identifier) @import.alias
  (field_expression
    object: (builtin_function (builtin_identifier) @_f
      (arguments (string (string_content) @import.module)))
    member: (identifier) @import.name)
  (#eq? @_f "@import"))
(builtin_function (builtin_identifier) @_f
  (arguments (string (string_content) @import.module))
  (#eq? @_f "@import"))
