using System.Text;

namespace Serval.Node.Containers;

/// <summary>Kubernetes' <c>$(NAME)</c> references in env values, command and args.</summary>
internal static class Expansion
{
    /// <summary>
    /// Replaces references to known names. An unknown one stays as it is; <c>$$</c> stands for one <c>$</c>, so <c>$$(A)</c> gives <c>$(A)</c>.
    /// </summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> values) =>
        Expand(text, name => values.TryGetValue(name, out var value) ? value : $"$({name})");

    /// <summary>The same, with whatever <paramref name="valueOf"/> gives for a name.</summary>
    public static string Expand(string text, Func<string, string> valueOf)
    {
        if (!text.Contains('$'))
        {
            return text;
        }
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }
            i++;
            if (text[i] == '$')
            {
                result.Append('$');
            }
            else if (text[i] == '(' && text.IndexOf(')', i) is > 0 and var close)
            {
                var name = text[(i + 1)..close];
                result.Append(valueOf(name));
                i = close;
            }
            else
            {
                result.Append('$').Append(text[i]);
            }
        }
        return result.ToString();
    }
}
