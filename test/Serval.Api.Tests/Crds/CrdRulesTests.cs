using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Tests.Admission;

namespace Serval.Api.Tests.Crds;

/// <summary>What a CustomResourceDefinition may say beside its schemas: the texts are those of apiextensions-apiserver.</summary>
public sealed class CrdRulesTests
{
    private const string Label = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric "
        + "character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    private const string Mixed = "may have mixed case, but should otherwise match: " + Label;

    private const string Table = """
        spec.scope = "Cluster" =>
        metadata.name = "gadgets.example.com" => metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group
        spec.group = "" => metadata.name: Invalid value: "widgets.example.com": must be spec.names.plural+"."+spec.group ; spec.group: Required value
        spec.group = "com" ; metadata.name = "widgets.com" => spec.group: Invalid value: "com": should be a domain with at least one dot
        spec.scope = - => spec.scope: Required value
        spec.scope = "Global" => spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"
        spec.versions = [] => spec.versions: Invalid value: []: must have exactly one version marked as storage version ; status.storedVersions: Invalid value: null: must have at least one stored version
        spec.versions[0].name = "V1" => spec.versions[0].name: Invalid value: "V1": LABEL ; spec.version: Invalid value: "V1": LABEL
        spec.versions[0].name = "1v" => spec.versions[0].name: Invalid value: "1v": LABEL ; spec.version: Invalid value: "1v": LABEL
        spec.versions[0].schema = - => spec.versions[0].schema.openAPIV3Schema: Required value
        spec.versions[0].schema = {} => spec.versions[0].schema.openAPIV3Schema: Required value
        spec.versions[1] = {"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}} => spec.versions: Invalid value: <v1,v2>: must have exactly one version marked as storage version ; status.storedVersions: Invalid value: ["v1"]: must have the storage version v2
        spec.versions[1] = {"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}} => spec.versions: Invalid value: <v1,v1>: must contain unique version names
        spec.versions[0].storage = false => spec.versions: Invalid value: <v1>: must have exactly one version marked as storage version ; status.storedVersions: Invalid value: null: must have at least one stored version
        status.storedVersions = ["v0","v1"] => status.storedVersions[0]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions
        spec.versions[0].deprecationWarning = "old" => spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions
        spec.versions[0].deprecated = true ; spec.versions[0].deprecationWarning = "use v2" =>
        spec.versions[0].deprecated = true ; spec.versions[0].deprecationWarning = "" => spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string
        spec.versions[0].deprecated = true ; spec.versions[0].deprecationWarning = "a\tb" => spec.versions[0].deprecationWarning: Invalid value: "a\tb": must only contain printable UTF-8 characters; non-printable character found at index 1
        spec.names.plural = - => metadata.name: Invalid value: "widgets.example.com": must be spec.names.plural+"."+spec.group ; spec.names.plural: Required value
        spec.names.kind = - => spec.names.singular: Required value ; spec.names.kind: Required value ; spec.names.listKind: Required value
        spec.names.singular = "Widget" => spec.names.singular: Invalid value: "Widget": LABEL
        spec.names.kind = "My_Widget" => spec.names.singular: Invalid value: "my_widget": LABEL ; spec.names.kind: Invalid value: "My_Widget": MIXED ; spec.names.listKind: Invalid value: "My_WidgetList": MIXED
        spec.names.listKind = "Widget" => spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same
        spec.names.listKind = "-x" => spec.names.listKind: Invalid value: "-x": MIXED
        spec.names.shortNames = ["w","W"] => spec.names.shortNames[1]: Invalid value: "W": LABEL
        spec.names.categories = ["all","a b"] => spec.names.categories[1]: Invalid value: "a b": LABEL
        status.acceptedNames = {"plural":"X"} => status.acceptedNames.plural: Invalid value: "X": LABEL
        spec.preserveUnknownFields = false =>
        spec.preserveUnknownFields = true => spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead
        spec.conversion = {} => spec.conversion.strategy: Required value
        spec.conversion = {"strategy":"Magic"} => spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"
        spec.conversion = {"strategy":"None","webhook":{"conversionReviewVersions":["v1"]}} => spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook
        spec.conversion = {"strategy":"None","webhook":{"clientConfig":{"url":"https://x"}}} => spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook
        spec.conversion = {"strategy":"Webhook"} => spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook ; spec.conversion.conversionReviewVersions: Required value
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"http://x"},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"nothing"},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.url: Required value: url must be a valid URL: nothing; desired format: https://host[/path]
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://u@x"},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.url: Invalid value: "u": user information is not permitted in the URL
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x/p#f"},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.url: Invalid value: "f": fragments are not permitted in the URL
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x/p?q=1"},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s"}},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.service.namespace: Required value
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s","namespace":"n","port":0}},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s","namespace":"n","path":"x"}},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.service.path: Invalid value: "x": must start with a '/' ; spec.conversion.webhookClientConfig.service.path: Invalid value: "x": segment[0] may not be empty
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s","namespace":"n","path":"/a//b"}},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"service":{"name":"s","namespace":"n","path":"/convert"}},"conversionReviewVersions":["v1","v1beta1"]}} =>
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x"},"conversionReviewVersions":["v2","v2"]}} => spec.conversion.conversionReviewVersions[1]: Invalid value: "v2": duplicate version ; spec.conversion.conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x"},"conversionReviewVersions":["v1","_"]}} => spec.conversion.conversionReviewVersions[1]: Invalid value: "_": LABEL
        spec.versions[0].subresources = {"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}} =>
        spec.versions[0].subresources = {"scale":{}} => spec.subresources.scale.specReplicasPath: Required value ; spec.subresources.scale.statusReplicasPath: Required value
        spec.versions[0].subresources = {"scale":{"specReplicasPath":".status.size","statusReplicasPath":".spec.size"}} => spec.subresources.scale.specReplicasPath: Invalid value: ".status.size": should be a json path under .spec ; spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.size": should be a json path under .status
        spec.versions[0].subresources = {"scale":{"specReplicasPath":"spec.size","statusReplicasPath":".status.size"}} => spec.subresources.scale.specReplicasPath: Invalid value: "spec.size": must be a simple json path starting with .
        spec.versions[0].subresources = {"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size","labelSelectorPath":".metadata.x"}} => spec.subresources.scale.labelSelectorPath: Invalid value: ".metadata.x": should be a json path under either .spec or .status
        spec.versions[0].additionalPrinterColumns = [{"name":"Size","type":"integer","jsonPath":".spec.size","format":"int32"}] =>
        spec.versions[0].additionalPrinterColumns = [{}] => spec.additionalPrinterColumns[0].name: Required value ; spec.additionalPrinterColumns[0].type: Required value: must be one of boolean,date,integer,number,string ; spec.additionalPrinterColumns[0].JSONPath: Required value
        spec.versions[0].additionalPrinterColumns = [{"name":"a","type":"int","jsonPath":".a"}] => spec.additionalPrinterColumns[0].type: Invalid value: "int": must be one of boolean,date,integer,number,string
        spec.versions[0].additionalPrinterColumns = [{"name":"a","type":"string","format":"uuid","jsonPath":".a"}] => spec.additionalPrinterColumns[0].format: Invalid value: "uuid": must be one of byte,date,date-time,double,float,int32,int64,password
        spec.versions[0].additionalPrinterColumns = [{"name":"a","type":"string","jsonPath":"a"}] => spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .
        spec.versions[0].selectableFields = [{"jsonPath":".spec.size"},{"jsonPath":".spec.name"}] =>
        spec.versions[0].selectableFields = [{"jsonPath":""}] => spec.selectableFields[0].jsonPath: Required value
        spec.versions[0].selectableFields = [{"jsonPath":"spec"}] => spec.selectableFields[0].jsonPath: Invalid value: "spec": is an invalid path: expected [ or . but got: spec
        spec.versions[0].selectableFields = [{"jsonPath":"spec.size"}] => spec.selectableFields[0].jsonPath: Invalid value: "spec.size": is an invalid path: expected [ or . but got: spec
        spec.versions[0].selectableFields = [{"jsonPath":".spec['size']"}] => spec.selectableFields[0].jsonPath: Invalid value: ".spec['size']": is an invalid path: array notation is not allowed
        spec.versions[0].selectableFields = [{"jsonPath":".spec.nope"}] => spec.selectableFields[0].jsonPath: Invalid value: ".spec.nope": is an invalid path: does not refer to a valid field
        spec.versions[0].selectableFields = [{"jsonPath":".spec"}] => spec.selectableFields[0].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.
        spec.versions[0].selectableFields = [{"jsonPath":".spec.size"},{"jsonPath":".spec.size"}] => spec.selectableFields[1].jsonPath: Duplicate value: ".spec.size"
        spec.group = "x.k8s.io" ; metadata.name = "widgets.x.k8s.io" => metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111
        spec.group = "kubernetes.io" ; metadata.name = "widgets.kubernetes.io" ; metadata.annotations = {"api-approved.kubernetes.io":"sure"} => metadata.annotations[api-approved.kubernetes.io]: Invalid value: "sure": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111
        spec.group = "x.k8s.io" ; metadata.name = "widgets.x.k8s.io" ; metadata.annotations = {"api-approved.kubernetes.io":"unapproved, a test"} =>
        spec.group = "x.k8s.io" ; metadata.name = "widgets.x.k8s.io" ; metadata.annotations = {"api-approved.kubernetes.io":"https://github.com/kubernetes/enhancements/pull/1111"} =>
        """;

    private const string UpdateTable = """
        spec.names.shortNames = ["w"] =>
        spec.group = "example.org" => spec.group: Invalid value: "example.org": field is immutable
        spec.names.plural = "gadgets" => spec.names.plural: Invalid value: "gadgets": field is immutable
        spec.scope = "Cluster" => spec.scope: Invalid value: "Cluster": field is immutable
        spec.names.kind = "Gadget" => spec.names.kind: Invalid value: "Gadget": field is immutable
        spec.names.listKind = "Gadgets" =>
        spec.versions[0].name = "v2" => status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions
        spec.versions[0].schema.openAPIV3Schema.type = "string" => ^.type: Invalid value: "string": must be object at the root
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x","caBundle":"Cg=="},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.caBundle: Invalid value: "Cg==": unable to load root certificates: unable to parse bytes as PEM block
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x","caBundle":"BAD"},"conversionReviewVersions":["v1"]}} => spec.conversion.webhookClientConfig.caBundle: Invalid value: "BAD": unable to load root certificates: failed to parse certificate: it is no X.509 certificate
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x","caBundle":"GOOD"},"conversionReviewVersions":["v1"]}} =>
        spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x"},"conversionReviewVersions":["v1"]}} =>
        """;

    private static readonly string s_unreadable = Bundle("AAAA");
    private static readonly string s_readable = Bundle(Certificate());

    public static TheoryData<string, string> Creates => CrdTable.Rows(Table.Replace("LABEL", Label, StringComparison.Ordinal).Replace("MIXED", Mixed, StringComparison.Ordinal));

    public static TheoryData<string, string> Updates => CrdTable.Rows(UpdateTable.Replace("BAD", s_unreadable, StringComparison.Ordinal).Replace("GOOD", s_readable, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Creates))]
    public void Create(string edits, string errors) => Assert.Equal(errors, CrdTable.Errors(CrdTable.Crd(edits)));

    [Theory]
    [MemberData(nameof(Updates))]
    public void Update_OfEstablished(string edits, string errors)
    {
        var old = CrdTable.Crd("status.conditions = [{\"type\":\"Established\",\"status\":\"True\"}]");
        var crd = ((JsonObject)old.DeepClone()).Edit(edits).Defaulted(Kinds.CustomResourceDefinition, new AdmissionContext(), old);
        Assert.Equal(errors, CrdTable.Errors(crd, old));
    }

    [Fact]
    public void ABundleThatCannotBeRead_IsTakenBeforeADefinitionIsEstablished_AndKept()
    {
        var bad = """spec.conversion = {"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x","caBundle":"BAD"},"conversionReviewVersions":["v1"]}}"""
            .Replace("BAD", s_unreadable, StringComparison.Ordinal);
        var established = bad + " ; status.conditions = [{\"type\":\"Established\",\"status\":\"True\"}]";
        Assert.Equal("", CrdTable.Errors(CrdTable.Crd(bad)));
        Assert.Equal("", CrdTable.Errors(CrdTable.Crd(bad), CrdTable.Crd("")));
        Assert.Equal("", CrdTable.Errors(CrdTable.Crd(established + " ; metadata.labels = {\"a\":\"b\"}"), CrdTable.Crd(established)));
    }

    /// <summary>They are no pointers upstream, and have no <c>omitempty</c>.</summary>
    [Fact]
    public void FlagsOfAVersion_AreFalse_WhenTheyAreNotSaid()
    {
        var version = CrdTable.Crd("spec.versions[0].served = - ; spec.versions[0].storage = -")["spec"]!["versions"]![0]!;
        Assert.Equal(("false", "false"), (version["served"]!.ToJsonString(), version["storage"]!.ToJsonString()));
    }

    [Fact]
    public void Update_BeforeEstablished_MayStillChangeScopeAndKind() =>
        Assert.Equal("", CrdTable.Errors(CrdTable.Crd("spec.scope = \"Cluster\" ; spec.names.kind = \"Gadget\""), CrdTable.Crd("")));

    [Fact]
    public void Update_KeepsWhatWasLetInOnce()
    {
        var old = CrdTable.Crd("spec.group = \"x.k8s.io\" ; metadata.name = \"widgets.x.k8s.io\" ; spec.versions[0].schema.openAPIV3Schema.type = \"string\"");
        var crd = ((JsonObject)old.DeepClone()).Edit("metadata.labels = {\"a\":\"b\"}");
        Assert.Equal("", CrdTable.Errors(crd, old));
    }

    /// <summary>Versions as upstream's errors show them, when they have the rest in common.</summary>
    [Fact]
    public void Versions_AreShownWhole()
    {
        var crd = CrdTable.Crd("spec.versions[0].storage = false ; spec.versions[0].deprecated = true ; spec.versions[0].deprecationWarning = \"old\"");
        var errors = Validation.Validate(Kinds.CustomResourceDefinition, crd, null, new AdmissionContext { Operation = AdmissionOperation.Create });
        Assert.Equal(
            "Invalid value: [{\"Name\":\"v1\",\"Served\":true,\"Storage\":false,\"Deprecated\":true,\"DeprecationWarning\":\"old\",\"Schema\":null,\"Subresources\":null,"
            + "\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}]: must have exactly one version marked as storage version",
            errors.Single(e => e.Field == "spec.versions").Message);
    }

    [Fact]
    public void Selectable_MoreThanEight_IsTooMany()
    {
        var schema = string.Join(" ; ", Enumerable.Range(0, 9).Select(i => $"spec.versions[0].schema.openAPIV3Schema.properties.f{i} = {{\"type\":\"string\"}}"));
        var fields = string.Join(',', Enumerable.Range(0, 9).Select(i => $$"""{"jsonPath":".f{{i}}"}"""));
        Assert.Equal("spec.selectableFields: Too many: 9: must have at most 8 items",
            CrdTable.Errors(CrdTable.Crd($"{schema} ; spec.versions[0].selectableFields = [{fields}]")));
    }

    [Fact]
    public void Defaults_NameTheRest_AndTheStorageVersionIsStored()
    {
        var crd = CrdTable.Crd("spec.conversion = {\"strategy\":\"Webhook\",\"webhook\":{\"clientConfig\":{\"service\":{\"name\":\"s\",\"namespace\":\"n\"}}}}");
        Assert.Equal("widget", (string?)crd["spec"]!["names"]!["singular"]);
        Assert.Equal("WidgetList", (string?)crd["spec"]!["names"]!["listKind"]);
        Assert.Equal(443, (int)crd["spec"]!["conversion"]!["webhook"]!["clientConfig"]!["service"]!["port"]!);
        Assert.Equal("[\"v1\"]", crd["status"]!["storedVersions"]!.ToJsonString());
        Assert.Equal("None", (string?)CrdTable.Crd("")["spec"]!["conversion"]!["strategy"]);
    }

    private static string Bundle(string base64) => Convert.ToBase64String(Encoding.ASCII.GetBytes($"-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"));

    private static string Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=hook", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(1));
        return Convert.ToBase64String(certificate.RawData);
    }
}
