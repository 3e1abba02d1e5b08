using System.Text;
using System.Text.Json;
using Serval.Api.GoText;

namespace Serval.Api.Tests.GoText;

/// <summary>The words of Go's scanner, as kube-apiserver 1.36.2 answered with them.</summary>
public sealed class GoJsonTests
{
    [Theory]
    [InlineData("", "unexpected end of JSON input")]
    [InlineData(" \n", "unexpected end of JSON input")]
    [InlineData("{", "unexpected end of JSON input")]
    [InlineData("{\"a\"", "unexpected end of JSON input")]
    [InlineData("{\"a\":1", "unexpected end of JSON input")]
    [InlineData("{\"a\":\"b", "unexpected end of JSON input")]
    [InlineData("{\"a\":1} x", "invalid character 'x' after top-level value")]
    [InlineData("{\"a\":1,}", "invalid character '}' looking for beginning of object key string")]
    [InlineData("hello", "invalid character 'h' looking for beginning of value")]
    [InlineData("tru", "invalid character ' ' in literal true (expecting 'e')")]
    [InlineData("{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')")]
    [InlineData("nil", "invalid character 'i' in literal null (expecting 'u')")]
    [InlineData("fals0", "invalid character '0' in literal false (expecting 'e')")]
    [InlineData("{\"a\":NaN}", "invalid character 'N' looking for beginning of value")]
    [InlineData("{\"a\":-Infinity}", "invalid character 'I' in numeric literal")]
    [InlineData("{\"a\":01}", "invalid character '1' after object key:value pair")]
    [InlineData("{\"a\":1.}", "invalid character '}' after decimal point in numeric literal")]
    [InlineData("1e", "invalid character ' ' in exponent of numeric literal")]
    [InlineData("{\"a\":1e+}", "invalid character '}' in exponent of numeric literal")]
    [InlineData("{\"a\":\"b\nc\"}", "invalid character '\\n' in string literal")]
    [InlineData("{\"a\":\"\\x\"}", "invalid character 'x' in string escape code")]
    [InlineData("\"\\", "invalid character ' ' in string escape code")]
    [InlineData("{\"a\":\"\\u12g4\"}", "invalid character 'g' in \\u hexadecimal character escape")]
    [InlineData("{'a':1}", "invalid character '\\'' looking for beginning of object key string")]
    [InlineData("{\"a\" 1}", "invalid character '1' after object key")]
    [InlineData("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair")]
    [InlineData("[1 2]", "invalid character '2' after array element")]
    [InlineData("[1,]", "invalid character ']' looking for beginning of value")]
    [InlineData("\\", "invalid character '\\\\' looking for beginning of value")]
    [InlineData("\u0001", "invalid character '\\x01' looking for beginning of value")]
    [InlineData("\ufeff{}", "invalid character 'ï' looking for beginning of value")]
    public void Text_ThatIsNoJson_IsNamedAsGoNamesIt(string text, string message) => Assert.Equal(message, GoJson.SyntaxError(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData(0x7f, "invalid character '\\x7f' looking for beginning of value")]
    [InlineData(0x80, "invalid character '\\u0080' looking for beginning of value")]
    [InlineData(0xa0, "invalid character '\\u00a0' looking for beginning of value")]
    [InlineData(0xe9, "invalid character 'é' looking for beginning of value")]
    public void Byte_IsShownAsTheRuneOfItsNumber(byte value, string message) => Assert.Equal(message, GoJson.SyntaxError([value]));

    [Fact]
    public void Depth_IsGos()
    {
        var deepest = new string('[', 10_000) + new string(']', 10_000);
        Assert.Null(GoJson.SyntaxError(Encoding.UTF8.GetBytes(deepest)));
        Assert.Equal("invalid character '[' exceeded max depth", GoJson.SyntaxError(Encoding.UTF8.GetBytes($"[{deepest}]")));
    }

    /// <summary>Both readers agree about what is JSON, whatever is done to it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Json_IsWhatTheOtherReaderTakesForIt(int seed)
    {
        var random = new Random(seed);
        const string Whole = """{"a":[1,-2.5e+3,true,null,"t\u00e9\n"],"b":{"c":{},"d":[[]]},"e":0,"f":false}""";
        const string Odd = "{}[]:,\"\\ \t\n-+.eE0129tfnuxA\u0001é";
        for (var round = 0; round < 20_000; round++)
        {
            var text = new StringBuilder(Whole);
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, Math.Min(random.Next(1, 9), text.Length - at)),
                    1 => text.Insert(at, Odd[random.Next(Odd.Length)]),
                    _ => text.Replace(text[at], Odd[random.Next(Odd.Length)], at, 1),
                };
                if (text.Length == 0)
                {
                    break;
                }
            }
            var bytes = Encoding.UTF8.GetBytes(text.ToString());
            Assert.True(IsJson(bytes) == (GoJson.SyntaxError(bytes) is null), $"seed {seed}: {text}: {GoJson.SyntaxError(bytes)}");
        }
    }

    private static bool IsJson(byte[] text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
