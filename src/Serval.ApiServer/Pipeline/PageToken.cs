using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Serval.Api;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// What a <c>continue</c> option says: which list, where in it, and behind which object. With the last it is good for something even when the list
/// is no longer kept. It belongs to one kind, namespace and selection.
/// </summary>
/// <param name="List">The kept list; <see cref="Present"/> means the present state.</param>
/// <param name="At">How many of the list were shown.</param>
/// <param name="Mark">Of the scope.</param>
/// <param name="Last">The last object that was shown.</param>
internal sealed record PageToken(string List, int At, string Mark, ObjectKey Last)
{
    private const string Present = "now";

    public bool IsOfThePresent => List == Present;

    /// <summary>The token that goes on in the present state, where the list it was for is gone.</summary>
    public PageToken ToPresent() => this with { List = Present, At = 0 };

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{List}.{At}.{Mark}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{Last.Namespace}/{Last.Name}"))}");

    public static PageToken Of(PageScope scope, string list, int at, KubeObject last) => new(list, at, MarkOf(scope), last.Key);

    /// <summary><see cref="ApiException"/> 400 when this server gave it out for no list, or for another one.</summary>
    public static PageToken Read(PageScope scope, string text)
    {
        var parts = text.Split('.');
        if (parts.Length != 4 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var at) || ReadKey(parts[3]) is not { } last)
        {
            throw ApiException.BadRequest($"continue key is not valid: \"{text}\" was not given out by this server");
        }
        return parts[2] == MarkOf(scope)
            ? new PageToken(parts[0], at, parts[2], last)
            : throw ApiException.BadRequest("continue key is not valid: it belongs to another list; ask with the same kind, namespace and selectors as for the first page");
    }

    private static ObjectKey? ReadKey(string text)
    {
        if (!Base64Url.IsValid(text))
        {
            return null;
        }
        var key = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text));
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? null : new ObjectKey(key[..slash], key[(slash + 1)..]);
    }

    private static string MarkOf(PageScope scope) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes($"{scope.Kind.ResourceName}\n{scope.Namespace}\n{scope.LabelSelector}\n{scope.FieldSelector}")).AsSpan(0, 6));
}
