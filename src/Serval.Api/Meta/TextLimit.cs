namespace Serval.Api;

/// <summary>The beginning of a text that may be too long. It never ends between the two halves of one character, which nobody could write.</summary>
public static class TextLimit
{
    /// <summary>Most characters of one step of a path in a message: a client may name a key as it likes, and each of its values may be told of.</summary>
    public const int PathStep = 256;

    /// <summary>Most characters of a path, give or take a step.</summary>
    public const int Path = 2048;

    /// <summary>Most errors of one object: what is beyond helps nobody, and a large one could have a million.</summary>
    public const int MostErrors = 1000;

    /// <summary>Most things of one sort, such as fields that are there twice, that are told of one body (sigs.k8s.io/json: saveStrictError).</summary>
    public const int MostTold = 100;

    /// <summary>At most so many UTF-16 units of it.</summary>
    public static string First(string text, int most) => text.Length <= most ? text : text[..End(text, most)];

    /// <summary>The same, the last of them an ellipsis where something is missing.</summary>
    public static string Ellipsis(string text, int most) => text.Length <= most ? text : string.Concat(text.AsSpan(0, End(text, most - 1)), "…");

    private static int End(string text, int most) => most > 0 && char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
}
