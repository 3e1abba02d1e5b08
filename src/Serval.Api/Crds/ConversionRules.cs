using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Core;

namespace Serval.Api.Crds;

/// <summary>
/// <c>spec.conversion</c> (apiextensions-apiserver pkg/apis/apiextensions/validation; apiserver pkg/util/webhook). Paths are those of upstream's
/// errors, which name fields of an older version.
/// </summary>
internal static class ConversionRules
{
    private const string Form = "; desired format: https://host[/path]";
    private const string NotWebhook = "should not be set when strategy is not set to Webhook";

    public static void Check(JsonObject? conversion, string path, Problems to)
    {
        if (conversion is null)
        {
            return;
        }
        to.Need(conversion, "strategy", path);
        to.OneOf(conversion, "strategy", path, "None", "Webhook");
        var webhook = conversion.Object("webhook");
        var client = webhook.Object("clientConfig");
        if (conversion.String("strategy") == "Webhook")
        {
            Client(client, path + ".webhookClientConfig", to);
            Versions(webhook.Array("conversionReviewVersions") ?? [], path + ".conversionReviewVersions", to);
            return;
        }
        if (client is not null)
        {
            to.Forbidden(path + ".webhookClientConfig", NotWebhook);
        }
        if (webhook.Array("conversionReviewVersions") is { Count: > 0 })
        {
            to.Forbidden(path + ".conversionReviewVersions", NotWebhook);
        }
    }

    private static void Client(JsonObject? client, string path, Problems to)
    {
        if (client is null)
        {
            to.Required(path, "required when strategy is set to Webhook");
        }
        else if (client.Has("url") == client.Has("service"))
        {
            to.Required(path, "exactly one of url or service is required");
        }
        else if (client.Has("url"))
        {
            Address(client.String("url"), path + ".url", to);
        }
        else
        {
            Service(client.Object("service"), path + ".service", to);
        }
    }

    private static void Address(string text, string path, Problems to)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            to.Required(path, "url must be a valid URL: " + text + Form);
            return;
        }
        if (url.Scheme != "https")
        {
            to.InvalidText(path, url.Scheme, "'https' is the only allowed URL scheme" + Form);
        }
        if (url.Host.Length == 0)
        {
            to.InvalidText(path, "", "host must be specified" + Form);
        }
        if (url.UserInfo.Length > 0)
        {
            to.InvalidText(path, url.UserInfo, "user information is not permitted in the URL");
        }
        if (url.Fragment.Length > 1)
        {
            to.InvalidText(path, url.Fragment[1..], "fragments are not permitted in the URL");
        }
        if (url.Query.Length > 1)
        {
            to.InvalidText(path, url.Query[1..], "query parameters are not permitted in the URL");
        }
    }

    private static void Service(JsonObject? service, string path, Problems to)
    {
        to.Need(service, "name", path);
        to.Need(service, "namespace", path);
        if (service.Number("port") is { } port && Names.PortNumber(port) is { } wrong)
        {
            to.Invalid(path + ".port", port.ToString(System.Globalization.CultureInfo.InvariantCulture), "port is not valid: " + wrong);
        }
        var text = service.String("path");
        if (text.Length == 0 || text == "/")
        {
            return;
        }
        if (text[0] != '/')
        {
            to.InvalidText(path + ".path", text, "must start with a '/'");
        }
        var steps = (text.EndsWith('/') ? text[1..^1] : text[1..]).Split('/');
        for (var i = 0; i < steps.Length; i++)
        {
            if (steps[i].Length == 0)
            {
                to.InvalidText(path + ".path", text, $"segment[{i}] may not be empty");
            }
            else if (Names.Subdomain(steps[i]) is { } why)
            {
                to.InvalidText(path + ".path", text, $"segment[{i}]: {why}");
            }
        }
    }

    private static void Versions(JsonArray versions, string path, Problems to)
    {
        if (versions.Count == 0)
        {
            to.Required(path);
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < versions.Count; i++)
        {
            var version = Tree.Text(versions[i]);
            if (!seen.Add(version))
            {
                to.InvalidText($"{path}[{i}]", version, "duplicate version");
                continue;
            }
            to.Check($"{path}[{i}]", version, Names.Label1035);
        }
        if (!seen.Contains("v1") && !seen.Contains("v1beta1"))
        {
            to.Invalid(path, versions.ToJsonString(), "must include at least one of v1, v1beta1");
        }
    }
}
