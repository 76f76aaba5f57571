; Captures are explained in captures.py.
(class_declaration declaration_kind: "struct" name: (_) @name) @def.struct
(class_declaration declaration_kind: "enum" name: (_) @name) @def.enum
(class_declaration declaration_kind: "extension" name: (_) @name) @scope.type
(class_declaration name: (type_identifier) @name) @def.class
(protocol_declaration name: (_) @name) @def.interface
(typealias_declaration name: (type_identifier) @name) @def.type
(associatedtype_declaration name: (type_identifier) @name) @def.type
(function_declaration name: (simple_identifier) @name) @def.function
(protocol_function_declaration name: (simple_identifier) @name) @def.method
(init_declaration "init" @name) @def.method
(subscript_declaration "subscript" @name (computed_property) @body) @def.method
(macro_declaration (simple_identifier) @name) @def.macro

(class_body (property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name) computed_value: (_) @body) @def.property)
(class_body (property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)) @def.property)
(enum_class_body (property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name) computed_value: (_) @body) @def.property)
(enum_class_body (property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)) @def.property)
(protocol_property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)) @def.property
(enum_entry name: (simple_identifier) @name) @def.constant
(source_file (property_declaration (value_binding_pattern "let")
  name: (pattern bound_identifier: (simple_identifier) @name)) @def.constant)
(source_file (property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)) @def.variable)

(comment) @comment
(multiline_comment) @comment

(call_expression . (simple_identifier) @call)
(call_expression . (navigation_expression
  suffix: (navigation_suffix suffix: (simple_identifier) @call)))
(constructor_expression constructed_type: (user_type (type_identifier) @call .))

(import_declaration (identifier) @import.module)
