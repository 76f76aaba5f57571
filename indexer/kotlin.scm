; Captures are explained in symbols.py.
(class_declaration "interface" (type_identifier) @name) @def.interface
(class_declaration "enum" (type_identifier) @name) @def.enum
(class_declaration (type_identifier) @name) @def.class
(object_declaration (type_identifier) @name) @def.object
(function_declaration
  receiver: (receiver_type (user_type (type_identifier) @owner)) (simple_identifier) @name) @def.function
(function_declaration (simple_identifier) @name) @def.function
(type_alias (type_identifier) @name) @def.type
(source_file (property_declaration (variable_declaration (simple_identifier) @name)) @def.variable)
(companion_object
  (class_body (property_declaration (modifiers (property_modifier))
    (variable_declaration (simple_identifier) @name)) @def.variable))

(line_comment) @comment
(multiline_comment) @comment

(call_expression . (simple_identifier) @call)
(call_expression . (navigation_expression (navigation_suffix (simple_identifier) @call)))

(import_header) @import.statement
