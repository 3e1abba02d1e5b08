using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Core;

namespace Serval.Api.Crds;

/// <summary>
/// What a CustomResourceDefinition may say (apiextensions-apiserver pkg/apis/apiextensions/validation). Paths are upstream's: what all versions
/// have alike is at <see cref="FoldedVersions"/>.
/// </summary>
internal static class CrdRules
{
    private const string ApprovalAnnotation = "api-approved.kubernetes.io";
    private const int LongestDeprecation = 256;
    private const string ImmutableField = "field is immutable";

    /// <param name="crd">The definition, defaulted.</param>
    /// <param name="old">The stored one on an update.</param>
    /// <param name="to">Takes the errors.</param>
    public static void Check(JsonObject crd, JsonObject? old, Problems to)
    {
        var spec = crd.Object("spec") ?? [];
        var names = spec.Object("names") ?? [];
        var name = crd.Object("metadata").String("name");
        if (old is null && name.Length > 0 && name != $"{names.String("plural")}.{spec.String("group")}")
        {
            to.InvalidText("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
        }
        Group(spec.String("group"), to);
        to.Need(spec, "scope", "spec");
        to.OneOf(spec, "scope", "spec", "Cluster", "Namespaced");
        var folded = FoldedVersions.Of(spec);
        Versions(spec, old.Object("spec"), folded, to);
        foreach (var field in (ReadOnlySpan<string>)["plural", "singular", "kind", "listKind"])
        {
            to.Need(names, field, "spec.names");
        }
        CheckNames(names, "spec.names", to);
        folded.Check(old.Object("spec"), to);
        ConversionRules.Check(spec.Object("conversion"), "spec.conversion", to);
        if (old is not null && IsEstablished(old) && spec.Object("conversion").String("strategy") == "Webhook"
            && WebhookBundle.Complaint(crd) is { } unreadable && WebhookBundle.Complaint(old) is null)
        {
            to.InvalidText("spec.conversion.webhookClientConfig.caBundle", WebhookBundle.Of(crd), unreadable);
        }
        if (old is not null)
        {
            Unchanged(spec, old, to);
        }
        CheckNames(crd.Object("status").Object("acceptedNames"), "status.acceptedNames", to);
        StoredVersions(crd.Object("status"), spec, to);
        Approval(crd, old, to);
        if (spec.Bool("preserveUnknownFields") == true && old.Object("spec").Bool("preserveUnknownFields") != true)
        {
            to.Invalid("spec.preserveUnknownFields", "true",
                "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
        }
    }

    private static void Group(string group, Problems to)
    {
        if (group.Length == 0)
        {
            to.Required("spec.group");
        }
        else if (Names.Subdomain(group) is { } wrong)
        {
            to.InvalidText("spec.group", group, wrong);
        }
        else if (!group.Contains('.', StringComparison.Ordinal))
        {
            to.InvalidText("spec.group", group, "should be a domain with at least one dot");
        }
    }

    private static void Versions(JsonObject spec, JsonObject? oldSpec, FoldedVersions folded, Problems to)
    {
        foreach (var (i, version) in spec.Objects("versions"))
        {
            if (version.Object("schema").Object("openAPIV3Schema") is null)
            {
                to.Required($"spec.versions[{i}].schema.openAPIV3Schema");
            }
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var unique = true;
        var stored = 0;
        foreach (var (i, version) in spec.Objects("versions"))
        {
            var path = $"spec.versions[{i}]";
            var name = version.String("name");
            unique &= seen.Add(name);
            stored += version.Bool("storage") == true ? 1 : 0;
            to.Check(path + ".name", name, Names.Label1035);
            Deprecation(version, path, to);
            folded.CheckRest(version, oldSpec, path, to);
        }
        var list = spec.Array("versions") is null ? "null"
            : $"[{string.Join(',', spec.Objects("versions").Select(v => Shown(v.Item)))}]";
        if (!unique)
        {
            to.Invalid("spec.versions", list, "must contain unique version names");
        }
        if (stored != 1)
        {
            to.Invalid("spec.versions", list, "must have exactly one version marked as storage version");
        }
        if (spec.Objects("versions").Select(v => v.Item.String("name")).FirstOrDefault("") is { Length: > 0 } first)
        {
            to.Check("spec.version", first, Names.Label1035); // where upstream keeps the name of the first
        }
    }

    /// <summary>
    /// A version as upstream's errors show it, of the form that it has inside the server. What all versions have alike is folded and so null; a schema,
    /// subresources or columns of a version's own are left out here too, where upstream shows every field that its types have.
    /// </summary>
    private static string Shown(JsonObject version) =>
        $"{{\"Name\":{JsonText.Quoted(version.String("name"))},\"Served\":{Flag(version, "served")},\"Storage\":{Flag(version, "storage")},\"Deprecated\":{Flag(version, "deprecated")},"
        + $"\"DeprecationWarning\":{(version.Has("deprecationWarning") ? JsonText.Quoted(version.String("deprecationWarning")) : "null")},"
        + "\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}";

    private static string Flag(JsonObject version, string field) => version.Bool(field) == true ? "true" : "false";

    private static void Deprecation(JsonObject version, string path, Problems to)
    {
        if (!version.Has("deprecationWarning"))
        {
            return;
        }
        var text = version.String("deprecationWarning");
        path += ".deprecationWarning";
        if (version.Bool("deprecated") != true)
        {
            to.InvalidText(path, text, "can only be set for deprecated versions");
            return;
        }
        if (Encoding.UTF8.GetByteCount(text) > LongestDeprecation)
        {
            to.InvalidText(path, text, $"must be <= {LongestDeprecation} characters long");
        }
        if (text.Length == 0)
        {
            to.InvalidText(path, text, "must not be an empty string");
        }
        var index = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || (Rune.IsWhiteSpace(rune) && rune.Value != ' '))
            {
                to.Invalid(path, JsonText.Quoted(text), $"must only contain printable UTF-8 characters; non-printable character found at index {index}");
                break;
            }
            index += rune.Utf8SequenceLength;
        }
    }

    private static void CheckNames(JsonObject? names, string path, Problems to)
    {
        foreach (var field in (ReadOnlySpan<string>)["plural", "singular"])
        {
            if (names.String(field) is { Length: > 0 } text)
            {
                to.Check($"{path}.{field}", text, Names.Label1035);
            }
        }
        foreach (var field in (ReadOnlySpan<string>)["kind", "listKind"])
        {
            if (names.String(field) is { Length: > 0 } text && Names.Label1035(text.ToLowerInvariant()) is { } wrong)
            {
                to.InvalidText($"{path}.{field}", text, "may have mixed case, but should otherwise match: " + wrong);
            }
        }
        Labels(names, "shortNames", path, to);
        if (names.String("kind") is { Length: > 0 } kind && kind == names.String("listKind"))
        {
            to.InvalidText(path + ".listKind", kind, "kind and listKind may not be the same");
        }
        Labels(names, "categories", path, to);
    }

    private static void Labels(JsonObject? names, string field, string path, Problems to)
    {
        var list = names.Array(field) ?? [];
        for (var i = 0; i < list.Count; i++)
        {
            to.Check($"{path}.{field}[{i}]", Tree.Text(list[i]), Names.Label1035);
        }
    }

    private static void Unchanged(JsonObject spec, JsonObject old, Problems to)
    {
        var oldSpec = old.Object("spec");
        if (IsEstablished(old))
        {
            Same(spec, oldSpec, "scope", "spec", to);
            Same(spec.Object("names"), oldSpec.Object("names"), "kind", "spec.names", to);
        }
        Same(spec, oldSpec, "group", "spec", to);
        Same(spec.Object("names"), oldSpec.Object("names"), "plural", "spec.names", to);
    }

    private static void Same(JsonObject? now, JsonObject? before, string field, string path, Problems to)
    {
        if (now.String(field) != before.String(field))
        {
            to.InvalidText($"{path}.{field}", now.String(field), ImmutableField);
        }
    }

    private static bool IsEstablished(JsonObject crd) =>
        crd.Object("status").Objects("conditions").Any(c => c.Item.String("type") == "Established" && c.Item.String("status") == "True");

    private static void StoredVersions(JsonObject? status, JsonObject spec, Problems to)
    {
        const string path = "status.storedVersions";
        var stored = status.Strings("storedVersions").ToList();
        var list = new JsonArray([.. stored.Select(v => JsonValue.Create(v))]).ToJsonString();
        if (stored.Count == 0)
        {
            to.Invalid(path, "null", "must have at least one stored version");
            return;
        }
        var versions = spec.Objects("versions").Select(v => v.Item).ToList();
        foreach (var missing in versions.Where(v => v.Bool("storage") == true && !stored.Contains(v.String("name"))))
        {
            to.Invalid(path, list, "must have the storage version " + missing.String("name"));
        }
        for (var i = 0; i < stored.Count; i++)
        {
            var name = stored[i];
            if (!versions.Any(v => v.String("name") == name))
            {
                to.InvalidText($"{path}[{i}]", name, $"missing from spec.versions; {name} was previously a storage version, and must remain in "
                    + $"spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions");
            }
        }
    }

    /// <summary>Kubernetes' own groups need a link to the review that approved them, or an honest word (KEP-1111).</summary>
    private static void Approval(JsonObject crd, JsonObject? old, Problems to)
    {
        var group = crd.Object("spec").String("group");
        var isProtected = group is "k8s.io" or "kubernetes.io"
            || group.EndsWith(".k8s.io", StringComparison.Ordinal) || group.EndsWith(".kubernetes.io", StringComparison.Ordinal);
        var state = ApprovalOf(crd);
        if (!isProtected || state is null || (old is not null && ApprovalOf(old) == state))
        {
            return;
        }
        var path = $"metadata.annotations[{ApprovalAnnotation}]";
        var text = crd.Object("metadata").Object("annotations").String(ApprovalAnnotation);
        if (text.Length == 0)
        {
            to.Required(path, $"protected groups must have approval annotation \"{ApprovalAnnotation}\", see https://github.com/kubernetes/enhancements/pull/1111");
        }
        else
        {
            to.InvalidText(path, text, $"protected groups must have approval annotation \"{ApprovalAnnotation}\" with either a URL or a reason starting with "
                + "\"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111");
        }
    }

    /// <summary>Null is right; else what is wrong.</summary>
    private static string? ApprovalOf(JsonObject crd)
    {
        var text = crd.Object("metadata").Object("annotations").String(ApprovalAnnotation);
        return text.Length == 0 ? "missing"
            : text.StartsWith("unapproved", StringComparison.Ordinal) ? null
            : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0 ? null
            : "invalid";
    }
}
