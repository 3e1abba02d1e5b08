using System.Text;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.ApiServer.Http;

/// <summary>A request's body in YAML as JSON. It is one document; keys that are there twice count as fields that are there twice.</summary>
internal static class YamlBody
{
    public const string MediaType = "application/yaml";

    /// <summary>What aliases may make of a body of the largest size: about 40 MB of nodes.</summary>
    private const int MaxNodes = 200_000;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Canonical JSON; empty for a text without a document.</summary>
    public static ReadOnlyMemory<byte> ToJson(ApiRequest request, ReadOnlyMemory<byte> body) => ToJson(request, body, "", "strict decoding error");

    /// <summary>The configuration of an apply patch: YAML, or JSON, which is read as such.</summary>
    public static ReadOnlyMemory<byte> ToPatch(ApiRequest request, ReadOnlyMemory<byte> body) => ToJson(request, body, "error decoding patch: ", "error strict decoding patch");

    private static ReadOnlyMemory<byte> ToJson(ApiRequest request, ReadOnlyMemory<byte> body, string broken, string strict)
    {
        var repeated = new List<string>();
        try
        {
            var json = Read(body, repeated);
            if (repeated.Count > 0)
            {
                Tell(request, $"{strict}: ", "yaml: unmarshal errors: " + string.Join(", ", repeated.Take(10)));
            }
            return json;
        }
        catch (YamlException e)
        {
            throw ApiException.BadRequest($"{broken}error converting YAML to JSON: yaml: line {e.Start.Line}: {e.Message}");
        }
        catch (DecoderFallbackException)
        {
            throw ApiException.BadRequest($"{broken}error converting YAML to JSON: yaml: the text is not UTF-8");
        }
    }

    private static ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> body, List<string> repeated)
    {
        using var text = new StringReader(s_utf8.GetString(body.Span).TrimStart('\ufeff'));
        return YamlReader.ReadAll(text, MaxNodes, repeated.Add) switch
        {
            [] => default,
            [var document] => CanonicalJson.Serialize(document),
            _ => throw ApiException.BadRequest("the body holds several YAML documents; send one object with each request"),
        };
    }

    private static void Tell(ApiRequest request, string strict, string message)
    {
        switch (QueryOptions.Write(request).FieldValidation)
        {
            case FieldValidation.Strict:
                throw ApiException.BadRequest(strict + message);
            case FieldValidation.Warn:
                request.Warn(message);
                break;
            default:
                break;
        }
    }
}
