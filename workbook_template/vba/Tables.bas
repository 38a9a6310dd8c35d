Attribute VB_Name = "Tables"
' What the user selected, and which changes of his matter to the collector. Reads the workbook, and writes nothing.
Option Explicit

Public Const DESTINATIONS As String = "Destinations"
Public Const JOBS As String = "Jobs"
Public Const SETTINGS As String = "Settings"
Public Const SELECTION_TABLE As String = "Selection"
Public Const OVERVIEW As String = "Overview"
Public Const ROUTES_TABLE As String = "Routes"

Private Const ID_HEADER As String = "ID"
Private Const NAME_HEADER As String = "Name"

' Headers that the user types below, between bars; a test keeps them equal to the product's.
Private Const DESTINATION_HEADERS As String = "|Name|Host|Group|Tags|Enabled|RTT warning (ms)|RTT critical (ms)|Loss warning (%)|Loss critical (%)|Notes|"
Private Const JOB_HEADERS As String = "|Name|Destinations|Start|End|Interval|Weekly windows|Time zone|Packets|Packet interval (ms)|Payload (bytes)|Timeout (ms)|TTL|DSCP|Metrics|Enabled|"
Private Const SETTING_HEADERS As String = "|Value|"
Private Const SELECTION_HEADERS As String = "|Details of|Period|"

' The identity of this workbook; empty where it has none.
Public Function WorkbookId() As String
    Dim text As String
    text = ThisWorkbook.Names("NetStats_id").RefersTo
    WorkbookId = LCase$(Replace(Replace(text, "=", ""), """", ""))
End Function

' Where this workbook is: its path, or its web address.
Public Function WorkbookPlace() As String
    WorkbookPlace = ThisWorkbook.FullName
End Function

' The text of a named cell.
Public Function NamedText(ByVal cellName As String) As String
    NamedText = CellText(ThisWorkbook.Names(cellName).RefersToRange)
End Function

' A table of this workbook, wherever it stands; Nothing where it is missing.
Public Function TableNamed(ByVal tableName As String) As ListObject
    Dim sheet As Worksheet
    Dim table As ListObject
    For Each sheet In ThisWorkbook.Worksheets
        For Each table In sheet.ListObjects
            If table.Name = tableName Then
                Set TableNamed = table
                Exit Function
            End If
        Next
    Next
End Function

' What the only row of the table Selection says.
Public Function SelectionCell(ByVal header As String) As String
    Dim table As ListObject
    Set table = TableNamed(SELECTION_TABLE)
    If table Is Nothing Then Exit Function
    SelectionCell = CellText(Body(table, header).Cells(1, 1))
End Function

' Name of the table that the user is in; empty where he is in none of this workbook's.
Public Function SelectedTable() As String
    If Not ActiveWorkbook Is ThisWorkbook Then Exit Function
    If TypeName(Selection) <> "Range" Then Exit Function
    If ActiveCell.ListObject Is Nothing Then Exit Function
    SelectedTable = ActiveCell.ListObject.Name
End Function

' The selected rows as members of a JSON object: by ID, and by name where there is no ID. Empty: there are none.
Public Function SelectedRows() As String
    Dim ids As String
    Dim names As String
    CollectRows ids, names
    If ids <> "" Then SelectedRows = """ids"":[" & Mid$(ids, 2) & "]"
    If ids <> "" And names <> "" Then SelectedRows = SelectedRows & ","
    If names <> "" Then SelectedRows = SelectedRows & """names"":[" & Mid$(names, 2) & "]"
End Function

' The selected rows as a JSON list, each by its ID or else by its name.
Public Function SelectedKeys() As String
    Dim ids As String
    Dim names As String
    CollectRows ids, names
    SelectedKeys = "[" & Mid$(ids & names, 2) & "]"
End Function

' The name in the row of the active cell; empty where it has none.
Public Function SelectedName() As String
    Dim picked As Range
    If SelectedTable() = "" Then Exit Function
    If Not HasColumn(ActiveCell.ListObject, NAME_HEADER) Then Exit Function
    Set picked = Application.Intersect(ActiveCell.EntireRow, Body(ActiveCell.ListObject, NAME_HEADER))
    If Not picked Is Nothing Then SelectedName = CellText(picked.Cells(1, 1))
End Function

' Whether a change touches what the user types: in the tables, right below them, or a whole row that is gone.
Public Function IsTyped(ByVal sheet As Object, ByVal target As Range) As Boolean
    Dim table As ListObject
    Dim column As ListColumn
    Dim headers As String
    For Each table In sheet.ListObjects
        headers = TypedHeaders(table.Name)
        If headers <> "" And target.Row + target.Rows.Count > table.Range.Row Then
            For Each column In table.ListColumns
                If InStr(headers, "|" & column.Name & "|") > 0 Then
                    If Not Application.Intersect(target, column.Range.EntireColumn) Is Nothing Then
                        IsTyped = True
                        Exit Function
                    End If
                End If
            Next
        End If
    Next
End Function

Private Function TypedHeaders(ByVal tableName As String) As String
    Select Case tableName
        Case DESTINATIONS
            TypedHeaders = DESTINATION_HEADERS
        Case JOBS
            TypedHeaders = JOB_HEADERS
        Case SETTINGS
            TypedHeaders = SETTING_HEADERS
        Case SELECTION_TABLE
            TypedHeaders = SELECTION_HEADERS
    End Select
End Function

' Adds the selected rows, each with a comma before it. Those that a filter hides do not count.
Private Sub CollectRows(ByRef ids As String, ByRef names As String)
    Dim table As ListObject
    Dim area As Range
    Dim picked As Range
    Dim cell As Range
    If SelectedTable() = "" Then Exit Sub
    Set table = ActiveCell.ListObject
    If Not HasColumn(table, NAME_HEADER) Then Exit Sub
    If Body(table, NAME_HEADER) Is Nothing Then Exit Sub
    For Each area In Selection.Areas
        Set picked = Application.Intersect(area.EntireRow, Body(table, NAME_HEADER))
        If Not picked Is Nothing Then
            For Each cell In picked.Cells
                If Not cell.EntireRow.Hidden Then CollectRow table, cell, ids, names
            Next
        End If
    Next
End Sub

Private Sub CollectRow(ByVal table As ListObject, ByVal nameCell As Range, ByRef ids As String, ByRef names As String)
    Dim key As String
    If HasColumn(table, ID_HEADER) Then key = CellText(Application.Intersect(nameCell.EntireRow, Body(table, ID_HEADER)))
    If key <> "" Then
        AddOnce ids, JsonText(key)
    ElseIf CellText(nameCell) <> "" Then
        AddOnce names, JsonText(CellText(nameCell))
    End If
End Sub

Private Sub AddOnce(ByRef list As String, ByVal item As String)
    If InStr(list & ",", "," & item & ",") = 0 Then list = list & "," & item
End Sub

Private Function CellText(ByVal cell As Range) As String
    If Not IsError(cell.Value2) Then CellText = CStr(cell.Value2)
End Function

Private Function Body(ByVal table As ListObject, ByVal header As String) As Range
    Set Body = table.ListColumns(header).DataBodyRange
End Function

Private Function HasColumn(ByVal table As ListObject, ByVal header As String) As Boolean
    Dim column As ListColumn
    For Each column In table.ListColumns
        If column.Name = header Then HasColumn = True
    Next
End Function
