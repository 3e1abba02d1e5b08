using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.GoText;

namespace Serval.Api.Tests.GoText;

public sealed class GoTextTests
{
    [Theory]
    [InlineData("a\"b\\c", "\"a\\\"b\\\\c\"")]
    [InlineData("é\u2028\u0001\u00a0\n", "\"é\\u2028\\x01\\u00a0\\n\"")]
    [InlineData("\U000F0000😀", "\"\\U000f0000😀\"")]
    public void Text_IsQuotedAsGoQuotesIt(string text, string quoted) => Assert.Equal(quoted, GoQuote.Quote(text));

    [Theory]
    [InlineData("null", "<nil>", "%!s(<nil>)", "<nil>", "null")]
    [InlineData("\"a b\"", "a b", "a b", "string", "string")]
    [InlineData("5", "5", "%!s(int64=5)", "int64", "number")]
    [InlineData("1.50", "1.5", "%!s(float64=1.5)", "float64", "number")]
    [InlineData("1e21", "1e+21", "%!s(float64=1e+21)", "float64", "number")]
    [InlineData("true", "true", "%!s(bool=true)", "bool", "bool")]
    [InlineData("[1,\"a\",null]", "[1 a <nil>]", "[1 a <nil>]", "[]interface {}", "array")]
    [InlineData("{\"b\":[],\"a\":{\"c\":1}}", "map[a:map[c:1] b:[]]", "map[a:map[c:1] b:[]]", "map[string]interface {}", "object")]
    public void Value_IsPrintedAsGoPrintsIt(string json, string text, string word, string type, string kind)
    {
        var node = JsonNode.Parse(json);
        Assert.Equal((text, word, type, kind), (GoValue.Text(node), GoValue.Word(node), GoValue.Type(node), GoValue.Kind(node)));
    }

    [Theory]
    [InlineData("x", "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"")]
    [InlineData("", "parsing time \"\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"2006\"")]
    [InlineData("2020-13-01T00:00:00Z", "parsing time \"2020-13-01T00:00:00Z\": month out of range")]
    [InlineData("2020-02-30T00:00:00Z", "parsing time \"2020-02-30T00:00:00Z\": day out of range")]
    [InlineData("2020-02-20 00:00:00Z", "parsing time \"2020-02-20 00:00:00Z\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \" 00:00:00Z\" as \"T\"")]
    [InlineData("2020-02-20T00:00:00", "parsing time \"2020-02-20T00:00:00\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"Z07:00\"")]
    [InlineData("2020-02-20T00:00:00Zx", "parsing time \"2020-02-20T00:00:00Zx\": extra text: \"x\"")]
    [InlineData("2020-02-20T25:00:00Z", "parsing time \"2020-02-20T25:00:00Z\": hour out of range")]
    [InlineData("2020-02-20T05:00:00.5+01:00", null)]
    [InlineData("0000-02-29T05:00:00Z", null)]
    public void Time_IsComplainedOfAsGoDoes(string text, string? complaint) => Assert.Equal(complaint, GoTime.Complaint(text, micro: false));

    [Theory]
    [InlineData("2020-01-01T00:00:00Z", "parsing time \"2020-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"")]
    [InlineData("2020-01-01T00:00:00.123456Z", null)]
    public void MicroTime_HasSixDigits(string text, string? complaint) => Assert.Equal(complaint, GoTime.Complaint(text, micro: true));

    [Theory]
    [InlineData("!", "illegal base64 data at input byte 0")]
    [InlineData("abc", "illegal base64 data at input byte 0")]
    [InlineData("YWJj=", "illegal base64 data at input byte 4")]
    [InlineData("YW==YW==", "illegal base64 data at input byte 4")]
    [InlineData("YW=x", "illegal base64 data at input byte 2")]
    [InlineData("not base64", "illegal base64 data at input byte 3")]
    [InlineData("YW=", "illegal base64 data at input byte 3")]
    [InlineData("YW\nJj\r\n", null)]
    [InlineData("", null)]
    public void Base64_IsComplainedOfWhereGoStops(string text, string? complaint) => Assert.Equal(complaint, GoBase64.Complaint(text));

    [Theory]
    [InlineData("5", "5")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "-0")]
    [InlineData("1.0", "1")]
    [InlineData("1e3", "1000")]
    [InlineData("12345678901234567890", "12345678901234567000")]
    [InlineData("0.1", "0.1")]
    [InlineData("1e20", "100000000000000000000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("1.5E300", "1.5e+300")]
    [InlineData("1e-6", "0.000001")]
    [InlineData("1e-7", "1e-7")]
    [InlineData("1.25e-10", "1.25e-10")]
    [InlineData("-123456789.125", "-123456789.125")]
    [InlineData("1e-999", "0")]
    [InlineData("1e400", null)]
    public void Number_IsKeptAsGoKeepsIt(string text, string? kept) => Assert.Equal(kept, GoNumber.Canonical(text));

    [Theory]
    [InlineData("\"\\ud800\"", "\"\\ufffd\"")]
    [InlineData("\"\\udc00\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\"")]
    [InlineData("\"\\uD83D\\u0041\"", "\"\\ufffd\\u0041\"")]
    [InlineData("\"\\\\ud800\"", "\"\\\\ud800\"")]
    [InlineData("\"\\ud8", "\"\\ud8")]
    public void HalfPairs_AreReplaced(string json, string repaired) => Assert.Equal(repaired, Encoding.UTF8.GetString(GoString.Repair(Encoding.UTF8.GetBytes(json)).Span));

    [Fact]
    public void BrokenBytes_AreReplacedOneByOne() =>
        Assert.Equal("a\ufffd\ufffd\ufffdbé", Encoding.UTF8.GetString(GoString.Repair(new byte[] { 0x61, 0xed, 0xa0, 0x80, 0x62, 0xc3, 0xa9 }).Span));
}
