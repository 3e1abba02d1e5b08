using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>Environment variables of the serving container (knative/client: pkg/flags).</summary>
internal static class EnvironmentEdit
{
    public static void Set(EditTarget target, string word)
    {
        var (name, value) = Assignment.Parse("env", word);
        Assign(target, name, value is null ? null : new JsonObject { ["name"] = name, ["value"] = value });
    }

    /// <summary><c>NAME=cm:CONFIGMAP:KEY</c>, <c>NAME=secret:SECRET:KEY</c>, <c>NAME-</c>.</summary>
    public static void SetFrom(EditTarget target, string word)
    {
        var (name, source) = Assignment.Parse("env-value-from", word);
        Assign(target, name, source is null ? null : new JsonObject { ["name"] = name, ["valueFrom"] = ValueFrom(word, source) });
    }

    /// <summary><c>cm:CONFIGMAP</c>, <c>secret:SECRET</c>; with <c>-</c> at the end it goes.</summary>
    public static void AddAll(EditTarget target, string word)
    {
        var remove = word.EndsWith('-');
        var (field, name) = (remove ? word[..^1] : word).Split(':') switch
        {
            ["cm" or "config-map", { Length: > 0 } map] => ("configMapRef", map),
            ["sc" or "secret", { Length: > 0 } secret] => ("secretRef", secret),
            _ => throw new CliException(ExitCodes.Usage, $"--env-from \"{word}\" is not understood; write cm:NAME or secret:NAME, with a - behind it to take it away"),
        };
        if (remove)
        {
            EditTarget.Remove(target.Container, "envFrom", Same);
        }
        else
        {
            EditTarget.Put(target.Container, "envFrom", Same, new JsonObject { [field] = new JsonObject { ["name"] = name } });
        }

        bool Same(JsonObject source) => source.Object(field).String("name") == name && source.String("prefix").Length == 0;
    }

    private static void Assign(EditTarget target, string name, JsonObject? variable)
    {
        if (variable is null)
        {
            EditTarget.Remove(target.Container, "env", v => v.String("name") == name);
        }
        else
        {
            EditTarget.Put(target.Container, "env", v => v.String("name") == name, variable);
        }
    }

    private static JsonObject ValueFrom(string word, string source) => source.Split(':', 3, StringSplitOptions.TrimEntries) switch
    {
        ["cm" or "config-map", { Length: > 0 } map, { Length: > 0 } key] => new() { ["configMapKeyRef"] = new JsonObject { ["name"] = map, ["key"] = key } },
        ["sc" or "secret", { Length: > 0 } secret, { Length: > 0 } key] => new() { ["secretKeyRef"] = new JsonObject { ["name"] = secret, ["key"] = key } },
        _ => throw new CliException(ExitCodes.Usage, $"--env-value-from \"{word}\" is not understood; write NAME=cm:CONFIGMAP:KEY, NAME=secret:SECRET:KEY or NAME-"),
    };
}
