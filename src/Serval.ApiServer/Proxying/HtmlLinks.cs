using System.Collections.Frozen;
using System.Text;

namespace Serval.ApiServer.Proxying;

/// <summary>
/// Finds the links in the tags of a page and has them rewritten (apimachinery util/proxy, rewriteHTML). What is no such link stays byte for byte.
/// </summary>
internal static class HtmlLinks
{
    // Whose attributes are links: w3.org/TR/html, "Attributes".
    private static readonly FrozenDictionary<string, string[]> s_links = new Dictionary<string, string[]>
    {
        ["a"] = ["href"], ["applet"] = ["codebase"], ["area"] = ["href"], ["audio"] = ["src"], ["base"] = ["href"], ["blockquote"] = ["cite"],
        ["body"] = ["background"], ["button"] = ["formaction"], ["command"] = ["icon"], ["del"] = ["cite"], ["embed"] = ["src"], ["form"] = ["action"],
        ["frame"] = ["longdesc", "src"], ["head"] = ["profile"], ["html"] = ["manifest"], ["iframe"] = ["longdesc", "src"],
        ["img"] = ["longdesc", "src", "usemap"], ["input"] = ["src", "usemap", "formaction"], ["ins"] = ["cite"], ["link"] = ["href"],
        ["object"] = ["classid", "codebase", "data", "usemap"], ["q"] = ["cite"], ["script"] = ["src"], ["source"] = ["src"], ["video"] = ["poster", "src"],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // What is in them is text up to their end tag.
    private static readonly FrozenSet<string> s_raw =
        FrozenSet.Create(StringComparer.Ordinal, "iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp");

    /// <param name="page">The page, a character a byte: all that is looked for is ASCII.</param>
    /// <param name="rewrite">A link → what stands there instead.</param>
    /// <param name="most">The longest result; for a longer one the page is returned as it is.</param>
    public static string Rewrite(string page, Func<string, string> rewrite, int most = int.MaxValue)
    {
        var written = new StringBuilder(page.Length + 256);
        var copied = 0;
        for (var at = page.IndexOf('<'); at >= 0 && written.Length <= most; at = at < page.Length ? page.IndexOf('<', at) : -1)
        {
            at = page.AsSpan(at).StartsWith("<!--") ? After(page, "-->", at + 4)
                : at + 1 < page.Length && char.IsAsciiLetter(page[at + 1]) ? Tag(at + 1)
                : at + 1;
        }
        return written.Length + page.Length - copied > most ? page : written.Append(page, copied, page.Length - copied).ToString();

        int Tag(int start)
        {
            var at = start;
            while (at < page.Length && !IsBlank(page[at]) && page[at] is not ('>' or '/'))
            {
                at++;
            }
            var name = page[start..at].ToLowerInvariant();
            var links = s_links.GetValueOrDefault(name) ?? [];
            while (written.Length <= most && NextAttribute(page, ref at) is var (attribute, from, to) && attribute.Length > 0)
            {
                if (to > from && links.Contains(attribute, StringComparer.Ordinal))
                {
                    Replace(from, to);
                }
            }
            return s_raw.Contains(name) ? EndOf(page, name, at) : at;
        }

        void Replace(int from, int to)
        {
            written.Append(page, copied, from - copied).Append(rewrite(page[from..to]));
            copied = to;
        }
    }

    /// <summary>The next attribute of a tag, in lower case, and where its value is; an empty name at the tag's end, which is passed.</summary>
    private static (string Name, int From, int To) NextAttribute(string page, ref int at)
    {
        while (at < page.Length && (IsBlank(page[at]) || page[at] == '/'))
        {
            at++;
        }
        if (at >= page.Length || page[at] == '>')
        {
            at = Math.Min(at + 1, page.Length);
            return ("", 0, 0);
        }
        var start = at++;
        while (at < page.Length && !IsBlank(page[at]) && page[at] is not ('=' or '>' or '/'))
        {
            at++;
        }
        var name = page[start..at].ToLowerInvariant();
        var equals = at;
        while (equals < page.Length && IsBlank(page[equals]))
        {
            equals++;
        }
        if (equals >= page.Length || page[equals] != '=')
        {
            return (name, at, at);
        }
        at = equals + 1;
        while (at < page.Length && IsBlank(page[at]))
        {
            at++;
        }
        if (at < page.Length && page[at] is '"' or '\'')
        {
            var from = at + 1;
            var end = page.IndexOf(page[at], from);
            at = end < 0 ? page.Length : end + 1;
            return (name, from, end < 0 ? from : end);
        }
        var value = at;
        while (at < page.Length && !IsBlank(page[at]) && page[at] != '>')
        {
            at++;
        }
        return (name, value, at);
    }

    // The end tag of an element whose content is text, or the page's end.
    private static int EndOf(string page, string name, int at)
    {
        var end = page.IndexOf("</" + name, at, StringComparison.OrdinalIgnoreCase);
        return end < 0 ? page.Length : end + 2;
    }

    private static int After(string page, string end, int at) => at <= page.Length && page.IndexOf(end, at, StringComparison.Ordinal) is >= 0 and var found ? found + end.Length : page.Length;

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\r' or '\n' or '\f';
}
