(template_declaration (function_definition declarator: (_) @declarator body: (_) @body)) @template.function
(template_declaration (declaration declarator: (_) @declarator)) @template.declaration
(template_declaration (class_specifier name: (_) @name body: (_) @body)) @template.class
(template_declaration (struct_specifier name: (_) @name body: (_) @body)) @template.struct
(template_declaration (alias_declaration name: (type_identifier) @name)) @template.type
(class_specifier name: (_) @name body: (_)) @def.class
(field_declaration declarator: (_) @declarator) @def.member
(alias_declaration name: (type_identifier) @name) @def.type
(concept_definition name: (identifier) @name) @def.type
(namespace_definition name: (_) @name) @scope.namespace

(call_expression function: (qualified_identifier) @call)
(call_expression function: (template_function name: (identifier) @call))
(call_expression function: (field_expression field: (template_method name: (_) @call)))
(new_expression type: (type_identifier) @call)
