using System.Security.Cryptography;
using System.Text.Json;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Discovery;

/// <summary>A document that does not change while the server runs.</summary>
internal sealed record Document(ReadOnlyMemory<byte> Json, string ContentType, string Hash)
{
    public string ETag { get; } = $"\"{Hash}\"";

    public static Document Of(Action<Utf8JsonWriter> write, string contentType = "application/json") => Of(Reply.Shaped(write), contentType);

    private static Document Of(ReadOnlyMemory<byte> json, string contentType) =>
        new(json, contentType, Convert.ToHexString(SHA256.HashData(json.Span)));
}
