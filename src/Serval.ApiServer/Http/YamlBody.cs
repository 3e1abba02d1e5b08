using System.Text;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.ApiServer.Http;

/// <summary>A request's body in YAML as JSON. It is one document; keys that are there twice count as fields that are there twice.</summary>
internal static class YamlBody
{
    public const string MediaType = "application/yaml";

    /// <summary>Most maps, lists and scalars of a body, what aliases stand for counted each time: about 40 MB of nodes.</summary>
    private const int MaxNodes = 200_000;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Canonical JSON; null for a text without a document.</summary>
    /// <param name="request">Says what becomes of keys that are there twice.</param>
    /// <param name="body">The text.</param>
    /// <param name="strict">Comes before what is said of them; null when nothing is.</param>
    /// <exception cref="BadYamlException">It is no YAML.</exception>
    public static ReadOnlyMemory<byte> ToJson(ApiRequest request, ReadOnlyMemory<byte> body, string? strict)
    {
        var repeated = new List<string>();
        try
        {
            var json = Read(body, repeated);
            if (repeated.Count > 0 && strict is not null)
            {
                Tell(request, strict, repeated);
            }
            return json;
        }
        catch (YamlException e)
        {
            throw new BadYamlException(GoYaml.Message(e, body.Span));
        }
        catch (DecoderFallbackException)
        {
            throw new BadYamlException("yaml: invalid leading UTF-8 octet");
        }
    }

    /// <summary>The configuration of an apply patch: YAML, or JSON, which is read as such.</summary>
    public static ReadOnlyMemory<byte> ToPatch(ApiRequest request, ReadOnlyMemory<byte> body)
    {
        try
        {
            return ToJson(request, body, "error strict decoding YAML: error converting YAML to JSON: ");
        }
        catch (BadYamlException e)
        {
            throw ApiException.BadRequest($"error decoding YAML: error converting YAML to JSON: {e.Message}");
        }
    }

    private static ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> body, List<string> repeated)
    {
        using var text = new StringReader(s_utf8.GetString(body.Span).TrimStart('\ufeff'));
        return YamlReader.ReadAll(text, MaxNodes, ObjectSize.Most, Note) switch
        {
            [] => "null"u8.ToArray(),
            [var document] => CanonicalJson.Serialize(document),
            _ => throw ApiException.BadRequest("the body holds several YAML documents; send one object with each request"),
        };

        void Note(string what)
        {
            if (repeated.Count < TextLimit.MostTold)
            {
                repeated.Add(what);
            }
        }
    }

    private static void Tell(ApiRequest request, string strict, List<string> repeated)
    {
        switch (QueryOptions.Write(request).FieldValidation)
        {
            case FieldValidation.Strict:
                throw ApiException.BadRequest($"{strict}yaml: unmarshal errors:\n  {string.Join("\n  ", repeated)}");
            case FieldValidation.Warn:
                repeated.ForEach(request.Warn);
                break;
            default:
                break;
        }
    }
}
