using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.GoText;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of ConfigMaps and Secrets, and Knative's of its own <c>config-*</c> ConfigMaps.</summary>
internal static class ConfigMapRules
{
    private const long MostBytes = 1024 * 1024;
    private const string AccountName = "kubernetes.io/service-account.name";

    public static void ConfigMap(JsonObject tree, JsonObject? old, Problems to)
    {
        Immutable(tree, old, to, "data", "binaryData");
        long size = 0;
        var binary = tree.Object("binaryData");
        foreach (var (key, value) in tree.Object("data") ?? [])
        {
            if (Names.ConfigMapKey(key) is { } wrong)
            {
                to.InvalidText($"data[{key}]", key, wrong);
            }
            if (binary.Has(key))
            {
                to.InvalidText($"data[{key}]", key, "duplicate of key present in binaryData");
            }
            size += Tree.ByteCount(value);
        }
        size += Binary(tree, "binaryData", to);
        if (size > MostBytes)
        {
            to.TooLong("", MostBytes);
        }
    }

    public static void Secret(JsonObject tree, JsonObject? old, Problems to)
    {
        Immutable(tree, old, to, "data");
        if (old is not null && old.String("type") is { Length: > 0 } before && before != tree.String("type"))
        {
            to.InvalidText("type", tree.String("type"), "field is immutable");
        }
        if (Binary(tree, "data", to) > MostBytes)
        {
            to.TooLong("data", MostBytes);
        }
        if (old is null || !IsSameOfType(tree, old))
        {
            OfType(tree, tree.Object("data"), to);
        }
    }

    /// <summary>Whether all that a type's promise is about is as it was stored.</summary>
    private static bool IsSameOfType(JsonObject tree, JsonObject old) => tree.String("type") == old.String("type") && TreeDiff.Same(old["data"], tree["data"])
        && Account(tree) == Account(old);

    private static string Account(JsonObject tree) => tree.Object("metadata").Texts("annotations").GetValueOrDefault(AccountName, "");

    // What the type of a Secret promises (ValidateSecret).
    private static void OfType(JsonObject tree, JsonObject? data, Problems to)
    {
        switch (tree.String("type"))
        {
            case "kubernetes.io/tls":
                Need("tls.crt");
                Need("tls.key");
                break;
            case "kubernetes.io/dockerconfigjson":
                NeedJson(".dockerconfigjson");
                break;
            case "kubernetes.io/dockercfg":
                NeedJson(".dockercfg");
                break;
            case "kubernetes.io/basic-auth" when !data.Has("username") && !data.Has("password"):
                Need("username");
                Need("password");
                break;
            case "kubernetes.io/ssh-auth" when data.String("ssh-privatekey").Length == 0:
                to.Required("data[ssh-privatekey]");
                break;
            case "kubernetes.io/service-account-token" when Account(tree).Length == 0:
                to.Required($"metadata.annotations[{AccountName}]");
                break;
        }

        void Need(string key)
        {
            if (!data.Has(key))
            {
                to.Required($"data[{key}]");
            }
        }

        void NeedJson(string key)
        {
            Need(key);
            if (data.Has(key) && JsonProblem(data.String(key)) is { } wrong)
            {
                to.Invalid($"data[{key}]", "\"<secret contents redacted>\"", wrong);
            }
        }
    }

    private static string? JsonProblem(string base64)
    {
        byte[] text;
        try
        {
            text = Convert.FromBase64String(base64);
        }
        catch (FormatException)
        {
            return null; // told already
        }
        if (GoJson.SyntaxError(text) is { } wrong)
        {
            return wrong;
        }
        var reader = new Utf8JsonReader(text);
        return !reader.Read() || reader.TokenType is JsonTokenType.StartObject or JsonTokenType.Null ? null
            : $"json: cannot unmarshal {GoValue.Kind(reader.TokenType)} into Go value of type map[string]interface {{}}";
    }

    /// <summary>A setting of Knative's that cannot be used is refused before it is stored; one without effect is warned of.</summary>
    public static IReadOnlyList<FieldError> Settings(JsonObject tree, AdmissionContext ctx)
    {
        var metadata = tree.Object("metadata");
        if (metadata.String("namespace") != KnativeNames.SystemNamespace)
        {
            return [];
        }
        var (name, data) = (metadata.String("name"), tree.Texts("data"));
        if (ServingConfig.IsConfigMap(name) && data.TryGetValue(ConfigReader.ExampleKey, out var example)
            && metadata.Texts("annotations").TryGetValue(ExampleChecksum.Annotation, out var checksum) && checksum != ExampleChecksum.Of(example))
        {
            var edited = new Problems(Problems.ConfigWebhook);
            edited.Say(
                "the update modifies a key in \"_example\" which is probably not what you want. Instead, copy the respective setting to the top-level of the "
                + "ConfigMap, directly below \"data\"", $"data[{ConfigReader.ExampleKey}]");
            return edited.List;
        }
        var (error, warnings) = ServingConfig.Check(name, data);
        foreach (var warning in warnings)
        {
            ctx.Warn(warning);
        }
        if (error is null)
        {
            return [];
        }
        var to = new Problems(Problems.ConfigWebhook);
        to.Say($"invalid value: {error.Value}: {error.Allowed}", $"data[{error.Key}]");
        return to.List;
    }

    private static long Binary(JsonObject tree, string field, Problems to)
    {
        long size = 0;
        foreach (var (key, value) in tree.Texts(field))
        {
            to.Check($"{field}[{key}]", key, Names.ConfigMapKey);
            if (!Convert.TryFromBase64String(value, new byte[(value.Length * 3 / 4) + 3], out var length))
            {
                to.Invalid($"{field}[{key}]", "<not shown>", "must be base64; write plain text under stringData instead");
            }
            size += length;
        }
        return size;
    }

    private static void Immutable(JsonObject tree, JsonObject? old, Problems to, params ReadOnlySpan<string> fields)
    {
        if (old.Bool("immutable") != true)
        {
            return;
        }
        if (tree.Bool("immutable") != true)
        {
            to.Forbidden("immutable", "field is immutable when `immutable` is set");
        }
        foreach (var field in fields)
        {
            if (!TreeDiff.Same(old![field], tree[field]))
            {
                to.Forbidden(field, "field is immutable when `immutable` is set");
            }
        }
    }
}
