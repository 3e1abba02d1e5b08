namespace Serval.Api.Tests.Crds;

/// <summary>What the schema of a definition may say: each row is the schema of a field <c>x</c>, or of the root.</summary>
public sealed class CrdSchemaRulesTests
{
    private const string FieldTable = """
        {"type":"string"} =>
        {"type":"string","nullable":true,"description":"d","title":"t","default":"a","example":1,"externalDocs":{"url":"u"}} =>
        {"x-kubernetes-preserve-unknown-fields":true} =>
        {"x-kubernetes-int-or-string":true} =>
        {"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]} =>
        {"x-kubernetes-int-or-string":true,"allOf":[{"anyOf":[{"type":"integer"},{"type":"string"}]},{"pattern":"^a"}]} =>
        {} => x.type: Required value: must not be empty for specified object fields
        {"type":""} => x.type: Required value: must not be empty for specified object fields
        {"type":"null"} => x.type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string" ; x.type: Forbidden: type cannot be set to null, use nullable as an alternative
        {"type":"int"} => x.type: Unsupported value: "int": supported values: "array", "boolean", "integer", "number", "object", "string"
        {"type":"array"} => x.items: Required value: must be specified
        {"type":"array","items":{}} => x.items.type: Required value: must not be empty for specified array items
        {"type":"array","items":[{"type":"string"}]} => x.items: Forbidden: items must be a schema object and not an array
        {"type":"object","additionalProperties":{"type":"string"}} =>
        {"type":"object","additionalProperties":true} =>
        {"type":"object","additionalProperties":{}} => x.additionalProperties.type: Required value: must not be empty for specified object fields
        {"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}} => x.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive
        {"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false} => x.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive
        {"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":true} =>
        {"type":"object","properties":{"a":{}}} => x.properties[a].type: Required value: must not be empty for specified object fields
        {"type":"array","items":{"type":"string"},"uniqueItems":true} => x.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic
        {"type":"string","id":"i"} => x.id: Forbidden: id is not supported
        {"type":"array","items":{"type":"string"},"additionalItems":true} => x.additionalItems: Forbidden: additionalItems is not supported
        {"type":"object","patternProperties":{"a":{"type":"string"}}} => x.patternProperties: Forbidden: patternProperties is not supported
        {"type":"object","definitions":{"a":{"type":"string"}}} => x.definitions: Forbidden: definitions is not supported
        {"type":"object","dependencies":{"a":["b"]}} => x.dependencies: Forbidden: dependencies is not supported
        {"type":"object","$ref":"#/x"} => x.$ref: Forbidden: $ref is not supported
        {"type":"object","x-kubernetes-preserve-unknown-fields":false} => x.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined
        {"x-kubernetes-int-or-string":true,"x-kubernetes-preserve-unknown-fields":true} => x.x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true
        {"type":"object","x-kubernetes-int-or-string":true,"x-kubernetes-embedded-resource":true,"properties":{"a":{"type":"string"}}} => x.x-kubernetes-embedded-resource: Invalid value: true: must be false if x-kubernetes-int-or-string is true
        {"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true} =>
        {"type":"object","x-kubernetes-embedded-resource":true} => x.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields
        {"x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true} => x.type: Required value: must be object if x-kubernetes-embedded-resource is true
        {"type":"string","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true} => x.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true
        {"type":"object","x-kubernetes-embedded-resource":true,"additionalProperties":{"type":"string"},"x-kubernetes-preserve-unknown-fields":true} => x.additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set
        {"type":"object","x-kubernetes-embedded-resource":true,"properties":{"kind":{"type":"integer"},"apiVersion":{"type":"integer"}}} => x.properties[kind].type: Invalid value: "integer": must be string ; x.properties[apiVersion].type: Invalid value: "integer": must be string
        {"type":"object","x-kubernetes-embedded-resource":true,"properties":{"metadata":{"type":"string"}}} => x.properties[metadata].type: Invalid value: "string": must be object
        {"type":"object","x-kubernetes-embedded-resource":true,"properties":{"metadata":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}} => x.properties[metadata].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta
        {"type":"object","x-kubernetes-embedded-resource":true,"properties":{"metadata":{"type":"object","additionalProperties":{"type":"string","default":"d"}}}} => x.properties[metadata].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata
        {"type":"string","pattern":"^[a-z]+$"} =>
        {"type":"string","pattern":"(?P<year>\\d{4})-\\pL[[:alpha:]]\\z"} =>
        {"type":"string","pattern":"(?=a)"} => x.pattern: Invalid value: "(?=a)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: `(?=`
        {"type":"string","pattern":"(?U)a(?i-U:b)(?s-m)"} =>
        {"type":"string","pattern":"(?x)a"} => x.pattern: Invalid value: "(?x)a": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: `(?x`
        {"type":"string","pattern":"(?i-)a"} => x.pattern: Invalid value: "(?i-)a": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: `(?i`
        {"type":"string","pattern":"[a"} => x.pattern: Invalid value: "[a": must be a valid regular expression, but isn't: error parsing regexp: missing closing ]: `[a`
        {"type":"string","pattern":"a\\"} => x.pattern: Invalid value: "a\\": must be a valid regular expression, but isn't: error parsing regexp: trailing backslash at end of expression: ``
        {"type":"string","pattern":"(a)\\1"} => x.pattern: Invalid value: "(a)\\1": must be a valid regular expression, but isn't: error parsing regexp: invalid escape sequence: `\1`
        {"type":"string","pattern":"a{1001}"} => x.pattern: Invalid value: "a{1001}": must be a valid regular expression, but isn't: error parsing regexp: invalid repeat count: `{1001}`
        {"type":"string","pattern":"((a{100}){100}){100}"} => x.pattern: Invalid value: "((a{100}){100}){100}": must be a valid regular expression, but isn't: error parsing regexp: invalid repeat count: `{100}`
        {"type":"string","allOf":[{"maxLength":3}],"anyOf":[{"pattern":"a"}],"oneOf":[{"minLength":1}],"not":{"enum":["x"]}} =>
        {"type":"string","allOf":[{"type":"string"}]} => x.allOf[0].type: Forbidden: must be empty to be structural
        {"type":"string","anyOf":[{"title":"t"}]} => x.anyOf[0].title: Forbidden: must be empty to be structural
        {"type":"string","oneOf":[{"description":"d"}]} => x.oneOf[0].description: Forbidden: must be empty to be structural
        {"type":"string","not":{"nullable":true}} => x.not.nullable: Forbidden: must be false to be structural
        {"type":"string","not":{"default":"x"}} => x.not.default: Forbidden: must be undefined to be structural
        {"type":"object","properties":{"a":{"type":"string"}},"not":{"additionalProperties":{"maxLength":1}}} => x.not.additionalProperties: Forbidden: must be undefined to be structural
        {"type":"object","allOf":[{"x-kubernetes-preserve-unknown-fields":true}]} => x.allOf[0].x-kubernetes-preserve-unknown-fields: Forbidden: must be false to be structural
        {"type":"object","allOf":[{"x-kubernetes-embedded-resource":true}]} => x.allOf[0].x-kubernetes-embedded-resource: Forbidden: must be false to be structural
        {"type":"string","allOf":[{"x-kubernetes-int-or-string":true}]} => x.allOf[0].x-kubernetes-int-or-string: Forbidden: must be false to be structural
        {"type":"object","allOf":[{"x-kubernetes-validations":[{"rule":"true"}]}]} => x.allOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural
        {"type":"string","anyOf":[{"type":"integer"},{"type":"string"}]} =>
        {"type":"string","anyOf":[{"type":"string"},{"type":"integer"}]} => x.anyOf[0].type: Forbidden: must be empty to be structural ; x.anyOf[1].type: Forbidden: must be empty to be structural
        {"type":"object","anyOf":[{"required":["a"]},{"properties":{"b":{"minLength":1}}}],"properties":{"a":{"type":"string"}}} =>
        {"type":"object","properties":{"metadata":{"type":"object"}},"allOf":[{"properties":{"metadata":{"minProperties":1}}}]} => x.allOf[0].properties[metadata]: Forbidden: must not be specified in a nested context
        {"type":"object","x-kubernetes-map-type":"atomic"} =>
        {"type":"object","x-kubernetes-map-type":"granular"} =>
        {"type":"object","x-kubernetes-map-type":"set"} => x.x-kubernetes-map-type: Unsupported value: "set": supported values: "atomic", "granular"
        {"type":"object","x-kubernetes-map-type":""} => x.x-kubernetes-map-type: Unsupported value: "": supported values: "atomic", "granular"
        {"type":"string","x-kubernetes-map-type":"atomic"} => x.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified
        {"x-kubernetes-int-or-string":true,"x-kubernetes-map-type":"atomic"} => x.type: Required value: must be object if x-kubernetes-map-type is specified
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"atomic"} =>
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"} =>
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"bag"} => x.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-type":""} => x.x-kubernetes-list-type: Unsupported value: "": supported values: "atomic", "set", "map"
        {"type":"string","$schema":"http://json-schema.org/schema#"} => ^: Invalid value: "": OpenAPIV3Schema 'schema' is not supported
        {"type":"object","$schema":"s","properties":{"a":{}}} => ^: Invalid value: "": OpenAPIV3Schema 'schema' is not supported
        {"type":"string","$schema":"s","id":"i"} => x.id: Forbidden: id is not supported
        {"type":"string","$schema":""} =>
        {"type":"object","x-kubernetes-list-type":"atomic"} => x.type: Invalid value: "object": must be array if x-kubernetes-list-type is specified
        {"x-kubernetes-preserve-unknown-fields":true,"x-kubernetes-list-type":"atomic"} => x.type: Required value: must be array if x-kubernetes-list-type is specified
        {"type":"array","items":{"type":"object"},"x-kubernetes-list-type":"set"} => x.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set
        {"type":"array","items":{"type":"object","x-kubernetes-map-type":"atomic"},"x-kubernetes-list-type":"set"} =>
        {"type":"array","items":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},"x-kubernetes-list-type":"set"} => x.items.x-kubernetes-list-type: Invalid value: "set": must be atomic as item of a list with x-kubernetes-list-type=set
        {"type":"array","items":{"type":"array","items":{"type":"string"}},"x-kubernetes-list-type":"set"} =>
        {"type":"array","items":{"type":"string","nullable":true},"x-kubernetes-list-type":"set"} => x.items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-map-keys":["a"]} => x.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set","x-kubernetes-list-map-keys":["a"]} => x.x-kubernetes-list-type: Invalid value: "set": must be map if x-kubernetes-list-map-keys is non-empty
        {"type":"array","items":{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} =>
        {"type":"array","items":{"type":"object","properties":{"a":{"type":"string","default":"z"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} =>
        {"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} => x.items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property
        {"type":"array","items":{"type":"object","required":["a"],"properties":{"a":{"type":"string","nullable":true}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} => x.items.properties[a].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable
        {"type":"array","items":{"type":"object","nullable":true,"required":["a"],"properties":{"a":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} => x.items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map
        {"type":"array","items":{"type":"object","required":["a"],"properties":{"a":{"type":"object"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} => x.items.properties[a].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map
        {"type":"array","items":{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a","b"]} => x.x-kubernetes-list-map-keys: Invalid value: ["a","b"]: entries must all be names of item properties
        {"type":"array","items":{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a","a"]} => x.x-kubernetes-list-map-keys: Invalid value: ["a","a"]: must not contain duplicate entries
        {"type":"array","items":{"type":"object"},"x-kubernetes-list-type":"map"} => x.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map
        {"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} => x.items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map
        {"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"]} => x.items: Required value: must be specified ; x.items: Required value: must have a schema if x-kubernetes-list-type is map
        {"type":"object","x-kubernetes-validations":[{"rule":"self.a > 1","message":"m","reason":"FieldValueInvalid","fieldPath":".a"}],"properties":{"a":{"type":"integer"}}} =>
        {"type":"object","x-kubernetes-validations":[{"rule":" "}]} => x.x-kubernetes-validations[0].rule: Required value: rule is not specified
        {"type":"object","x-kubernetes-validations":[{"rule":"true","message":" "}]} => x.x-kubernetes-validations[0].message: Invalid value: " ": must be non-empty if specified
        {"type":"object","x-kubernetes-validations":[{"rule":"true","message":"a\nb"}]} => x.x-kubernetes-validations[0].message: Invalid value: "a\nb": must not contain line breaks
        {"type":"object","x-kubernetes-validations":[{"rule":"a\nb"}]} => x.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks
        {"type":"object","x-kubernetes-validations":[{"rule":"true","messageExpression":" "}]} => x.x-kubernetes-validations[0].messageExpression: Required value: messageExpression must be non-empty if specified
        {"type":"object","x-kubernetes-validations":[{"rule":"true","reason":"Bad"}]} => x.x-kubernetes-validations[0].reason: Unsupported value: "Bad": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"
        {"type":"object","x-kubernetes-validations":[{"rule":"self == oldSelf","optionalOldSelf":true}]} =>
        {"type":"object","x-kubernetes-validations":[{"rule":"self.oldSelfish == 1","optionalOldSelf":false}]} => x.x-kubernetes-validations[0].optionalOldSelf: Invalid value: false: may not be set if oldSelf is not used in rule
        {"type":"object","x-kubernetes-validations":[{"rule":"true","fieldPath":".b"}]} => x.x-kubernetes-validations[0].fieldPath: Invalid value: ".b": must be a valid path
        {"type":"object","x-kubernetes-validations":[{"rule":"true","fieldPath":".m['k']"}],"properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}} =>
        {"type":"integer","default":"a"} => x.default: Invalid value: "string":  in body must be of type integer: "string"
        {"type":"integer","minimum":1,"default":0} => x.default: Invalid value: 0:  in body should be greater than or equal to 1
        {"type":"object","default":{"b":1},"properties":{"a":{"type":"string"}}} => x.default: Invalid value: {"b":1}: must not have unknown fields
        {"type":"object","default":{"a":"v"},"properties":{"a":{"type":"string"}}} =>
        {"type":"object","default":{"a":1},"properties":{"a":{"type":"string"}}} => x.default.a: Invalid value: "integer": a in body must be of type string: "integer"
        {"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true,"default":{"apiVersion":"v1"}} => x.default.kind: Required value
        {"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true,"default":{"apiVersion":"v1","kind":"A","metadata":{"labels":{"-":"v"}}}} => x.default.metadata.labels: Invalid value: "-": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        {"type":"object","properties":{"a":{"type":"array","items":{"type":"string","default":5}}}} => x.properties[a].items.default: Invalid value: "integer":  in body must be of type string: "integer"
        {"type":"string","maxLength":"3"} => x.maxLength: Invalid value: "string": must be of type integer: "string"
        {"type":"array","items":{"type":5}} => x.items.type: Invalid value: "integer": must be of type string: "integer"
        {"type":"object","additionalProperties":{"type":"string","enum":"a"}} => x.additionalProperties.enum: Invalid value: "string": must be of type array: "string"
        {"type":"array","items":"string"} => x.items: Invalid value: "string": must be of type object: "string"
        {"type":"object","required":"a"} => x.required: Invalid value: "string": must be of type array: "string"
        {"type":"object","required":[1]} => x.required[0]: Invalid value: "integer": must be of type string: "integer"
        {"type":"object","properties":{"a":3}} => x.properties[a]: Invalid value: "integer": must be of type object: "integer"
        {"type":"string","anyOf":[1]} => x.anyOf[0]: Invalid value: "integer": must be of type object: "integer"
        {"type":"string","nullable":"yes"} => x.nullable: Invalid value: "string": must be of type boolean: "string"
        """;

    private const string RootTable = """
        {"type":"object"} =>
        {"type":"object","properties":{"metadata":{"type":"object","properties":{"name":{"type":"string","maxLength":8},"generateName":{"type":"string"}}}}} =>
        {"x-kubernetes-preserve-unknown-fields":true,"type":"object"} =>
        {} => ^.type: Required value: must not be empty at the root
        {"type":"array","items":{"type":"string"}} => ^.type: Invalid value: "array": must be object at the root
        {"type":"object","default":{}} => ^.default.apiVersion: Required value ; ^.default.kind: Required value
        {"type":"object","default":{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"}}} =>
        {"type":"object","nullable":true} => ^.nullable: Forbidden: nullable cannot be true at the root
        {"type":"object","additionalProperties":{"type":"string"}} => ^.additionalProperties: Forbidden: must not be used at the root
        {"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}} => ^.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified
        {"type":"object","properties":{"metadata":{"type":"object","description":"d"}}} => ^.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified
        {"type":"object","properties":{"metadata":{"type":"string"}}} => ^.properties[metadata].type: Invalid value: "string": must be object
        {"type":"object","anyOf":[{"required":["a"]},{"properties":{"b":{"minLength":1}}}],"properties":{"a":{"type":"string"}}} => ^.properties[b]: Required value: because it is defined in ^.anyOf[1].properties[b]
        {"type":"object","not":{"properties":{"b":{"items":{"minLength":1}}}},"properties":{"b":{"type":"object"}}} => ^.properties[b].items: Required value: because it is defined in ^.not.properties[b].items
        {"type":"object","allOf":[{"not":{"properties":{"b":{"minLength":1}}}}]} => ^.properties[b]: Required value: because it is defined in ^.allOf[0].not.properties[b]
        {"type":"object","properties":{"kind":{"type":"integer"}}} => ^.properties[kind].type: Invalid value: "integer": must be string
        {"type":"object","properties":{"kind":{"type":"string","default":"X"}}} => ^.properties[kind].default: Forbidden: must not be set in top-level kind
        {"type":"object","properties":{"metadata":{"type":"object","properties":{"name":{"type":"string","default":"n"}}}}} => ^.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata
        """;

    private const string StatusTable = """
        {"type":"object","required":["spec"],"description":"d","properties":{"spec":{"type":"object"}},"x-kubernetes-validations":[{"rule":"true"}]} =>
        {"type":"object","minProperties":1} => ^: Invalid value: "minProperties": only [ROOT] fields are allowed at the root of the schema if the status subresource is enabled
        {"type":"object","anyOf":[{"required":["spec"]}]} => ^: Invalid value: "anyOf": only [ROOT] fields are allowed at the root of the schema if the status subresource is enabled
        {"x-kubernetes-preserve-unknown-fields":true} => ^.type: Invalid value: "": only "object" is allowed as the type at the root of the schema if the status subresource is enabled
        """;

    private const string Root = "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems "
        + "MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations";

    public static TheoryData<string, string> Fields => CrdTable.Rows(FieldTable);

    public static TheoryData<string, string> Roots => CrdTable.Rows(RootTable);

    public static TheoryData<string, string> WithStatus => CrdTable.Rows(StatusTable.Replace("ROOT", Root, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Fields))]
    public void OfAField(string schema, string errors) =>
        Assert.Equal(errors, CrdTable.Errors(CrdTable.WithField(schema)).Replace('\n', '⏎'));

    [Theory]
    [MemberData(nameof(Roots))]
    public void OfTheRoot(string schema, string errors) =>
        Assert.Equal(errors, CrdTable.Errors(CrdTable.Crd($"{CrdTable.SchemaField} = {schema}")));

    [Theory]
    [MemberData(nameof(WithStatus))]
    public void OfTheRoot_WithStatus(string schema, string errors) =>
        Assert.Equal(errors, CrdTable.Errors(CrdTable.Crd($"{CrdTable.SchemaField} = {schema} ; spec.versions[0].subresources = {{\"status\":{{}}}}")));
}
