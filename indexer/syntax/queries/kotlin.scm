; Captures are explained in captures.py.
(class_declaration "interface" name: (identifier) @name) @def.interface
(class_declaration (modifiers (class_modifier "enum")) name: (identifier) @name) @def.enum
(class_declaration name: (identifier) @name) @def.class
(object_declaration name: (identifier) @name) @def.object
(function_declaration . (user_type (identifier) @owner) . name: (identifier) @name) @def.function
(function_declaration name: (identifier) @name) @def.function
(enum_entry . (identifier) @name) @def.constant
(type_alias type: (identifier) @name) @def.type
(source_file (property_declaration . (user_type (identifier) @owner) .
  (variable_declaration . (identifier) @name)
  (getter)? @body) @def.property)
(source_file (property_declaration (variable_declaration . (identifier) @name)) @def.variable)
(companion_object
  (class_body (property_declaration (modifiers (property_modifier))
    (variable_declaration . (identifier) @name)) @def.variable))
(class_body (property_declaration (variable_declaration . (identifier) @name)
  [(getter) (property_delegate)] @body) @def.property)
(class_body (property_declaration (variable_declaration . (identifier) @name)) @def.property)
(secondary_constructor "constructor" @name) @def.method

(line_comment) @comment
(block_comment) @comment

(call_expression . (identifier) @call)
(call_expression . (navigation_expression (identifier) @call .))

(import) @import.statement
